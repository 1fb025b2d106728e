import { io, type Socket } from 'socket.io-client'
import type { Account } from './account.ts'
import type { Instance } from './cluster.ts'
import type { Change, FinalLog, History, LogId } from './history.ts'
import { readBody, readChange } from './wire.ts'

const ANSWER_MS = 10_000
const MAX_PAGES = 5000

/** Reads each log to its end on each instance, with fresh clients, both by `log:sync` from 0 and by its history. */
export async function readTruth(
  instances: Instance[],
  logs: { log: LogId; account: Account }[],
  history: History,
): Promise<void> {
  for (const instance of instances)
    for (const account of new Set(logs.map((entry) => entry.account))) {
      const socket = await connect(instance.url, account)
      try {
        for (const { log } of logs.filter((entry) => entry.account === account)) {
          const synced = await readSync(socket, log, account.userId)
          if (synced) history.finals.push(finalOf(instance, log, 'sync', synced))
          history.finals.push(finalOf(instance, log, 'history', await readHistory(socket, log, account.userId)))
        }
      } finally {
        socket.disconnect()
      }
    }
}

const finalOf = (instance: Instance, log: LogId, source: 'sync' | 'history', changes: Change[]): FinalLog => ({
  instance: instance.name,
  log,
  source,
  changes,
})

async function connect(url: string, account: Account): Promise<Socket> {
  const token = await account.token(url)
  const socket = io(url, { transports: ['websocket'], reconnection: false, forceNew: true, auth: { token } })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}

const addressOf = (log: LogId, userId: string): object =>
  log.startsWith('room:')
    ? { roomId: log.slice(5) }
    : { userId: log.split(':').find((part, index) => index > 0 && part !== userId) }

/** Null where the server has no `log:sync`. */
async function readSync(socket: Socket, log: LogId, userId: string): Promise<Change[] | null> {
  const changes: Change[] = []
  let rev = 0
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await socket
      .timeout(ANSWER_MS)
      .emitWithAck('log:sync', { logs: [{ ...addressOf(log, userId), rev }], limit: 200 })
    if (!answer.ok && answer.error?.code === 'invalid') return null
    const part = answer.data?.logs?.[0]
    if (!answer.ok || part.error) throw new Error(`log:sync of ${log} answered ${JSON.stringify(answer).slice(0, 300)}`)
    for (const change of part.changes) {
      const read = readChange(change.event, change.payload)
      if (read) changes.push({ rev: read.rev, body: read.body })
    }
    if (!part.more) return changes
    if (part.rev <= rev) throw new Error(`log:sync of ${log} says that there is more after ${rev}, and gives nothing`)
    rev = part.rev
  }
  throw new Error(`log:sync of ${log} does not end`)
}

async function readHistory(socket: Socket, log: LogId, userId: string): Promise<Change[]> {
  const changes: Change[] = []
  const event = log.startsWith('room:') ? 'room:history' : 'dm:history'
  let after = 0
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await socket.timeout(ANSWER_MS).emitWithAck(event, { ...addressOf(log, userId), after, limit: 200 })
    if (!answer.ok) throw new Error(`${event} of ${log} answered ${JSON.stringify(answer).slice(0, 300)}`)
    for (const message of answer.data.messages) changes.push({ rev: message.rev, body: readBody(message) })
    if (!answer.data.more) return changes
    const last = answer.data.messages.at(-1)?.seq
    if (!(last > after)) throw new Error(`${event} of ${log} says that there is more after ${after}, and gives nothing`)
    after = last
  }
  throw new Error(`${event} of ${log} does not end`)
}
