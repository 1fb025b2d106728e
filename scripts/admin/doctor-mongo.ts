import mongoose from 'mongoose'
import { entities } from '../../models/index.ts'
import type { Config } from '../../src/config.ts'
import { missingIndexes } from '../../src/infra/mongo.ts'
import { reachMongo } from '../shared/mongo.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const selectMs = 5_000
const trials = 9
/** A majority write slower than this makes every send slow, in milliseconds. */
const slowWriteMs = 100
/** Clocks further apart than these, in milliseconds: times look odd, tokens end early or late. */
const oddClockMs = 2_000
const badClockMs = 60_000

/** MongoDB: in reach, a replica set, writes by majority, indexes, clock. */
export async function checkMongo(config: Config, progress: (line: string) => void): Promise<Finding[]> {
  let mongo: Awaited<ReturnType<typeof reachMongo>>
  try {
    mongo = await reachMongo(config, progress)
  } catch (error) {
    return [fail('MongoDB', (error as Error).message)]
  }
  try {
    return await examine(mongo.uri, mongo.whose)
  } finally {
    await mongo.close()
  }
}

async function examine(uri: string, whose: string): Promise<Finding[]> {
  const connection = mongoose.createConnection(uri, { serverSelectionTimeoutMS: selectMs, socketTimeoutMS: 15_000 })
  try {
    await connection.asPromise()
  } catch (error) {
    await connection.close()
    const hint = 'Is it running, is the address right, and may we log in?'
    return [fail('MongoDB', `${whose} is out of reach (${(error as Error).message}). ${hint}`)]
  }
  try {
    const db = connection.getClient().db(connection.name)
    const asked = Date.now()
    const hello = await db.command({ hello: 1 })
    const answered = Date.now()
    const { version } = await db.command({ buildInfo: 1 })
    const findings = [ok('MongoDB', `${version}, ${whose}, database ${connection.name}`)]
    if (!hello['setName']) {
      const how = 'Start mongod with --replSet and run rs.initiate(): transactions and majority writes need one'
      return [...findings, fail('replica set', `it is not a member of one. ${how}`)]
    }
    findings.push(ok('replica set', `${hello['setName']}, ${hello['hosts']?.length ?? 1} members, primary in reach`))
    findings.push(await timeWrites(db))
    const missing = await missingIndexes(db, entities)
    findings.push(
      missing.length === 0
        ? ok('indexes', 'all that are declared are there')
        : warn('indexes', `${missing.length} missing (${missing.slice(0, 3).join(', ')} …). The next start makes them`),
    )
    return [...findings, compareClocks(hello['localTime'] as Date, asked, answered)]
  } catch (error) {
    return [fail('MongoDB', `a check failed: ${(error as Error).message}. The account needs the role readWrite`)]
  } finally {
    await connection.close()
  }
}

/** The median time of a write as messages are stored: by majority and journalled. */
async function timeWrites(db: mongoose.mongo.Db): Promise<Finding> {
  const writeConcern = { w: 'majority', journal: true, wtimeoutMS: 5_000 } as const
  const trial = db.collection<{ _id: string; at?: Date }>('doctor')
  const id = `${process.pid}-${Date.now()}`
  const times: number[] = []
  try {
    for (let index = 0; index < trials; index++) {
      const started = performance.now()
      await trial.updateOne({ _id: id }, { $set: { at: new Date() } }, { upsert: true, writeConcern })
      times.push(performance.now() - started)
    }
    await trial.drop()
  } catch (error) {
    const why = (error as Error).message
    return fail('majority write', `refused (${why}). A majority of the members must run, and the account may write`)
  }
  const median = times.sort((one, other) => one - other)[trials >> 1]!
  const text = `${median.toFixed(1)} ms (median of ${trials})`
  return median > slowWriteMs
    ? warn('majority write', `${text}: every send takes as long. Look at its disks and the lag of its members`)
    : ok('majority write', text)
}

export function compareClocks(theirs: Date, asked: number, answered: number): Finding {
  // Theirs was read somewhere between the question and the answer.
  const apart = Math.max(0, asked - theirs.getTime(), theirs.getTime() - answered)
  const text = `${apart} ms apart from MongoDB's`
  const todo = 'Let both machines keep time by NTP'
  if (apart > badClockMs) return fail('clock', `${text}: sessions and tokens end at the wrong time. ${todo}`)
  return apart > oddClockMs ? warn('clock', `${text}. ${todo}`) : ok('clock', text)
}
