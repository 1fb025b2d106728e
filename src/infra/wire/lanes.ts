import type { mongo } from 'mongoose'
import type { Logger } from '../../kernel/ports.ts'
import { Lane } from './lane.ts'

type Document = mongo.BSON.Document

/** How long after a connection that failed the next is tried, in milliseconds. */
const retryMs = 500

export interface LanesOptions {
  appName: string
  logger: Logger
  /** Connections at most. */
  max: number
  /** Commands that one carries at once: more than one only where the first can't hold up the next for long. */
  depth: number
}

export interface Lanes {
  /**
   * Runs a command on a connection kept for this, at once; null where none is free, and then the driver has to. Throws
   * as the driver does; it is not tried again.
   */
  run(command: Document): Promise<Document> | null
  close(): void
}

/**
 * Connections to the primary for the few commands that are run for each message, edit and request. What the driver does
 * around a command (sessions, selecting a server, pools, cluster times, retries) takes more than twice the CPU of the
 * command; those who store messages and edits need none of it: their writes are known by their ids, and tried again by
 * themselves; and whoever reads can ask again. Where they can't be (a password, TLS, compression), the driver carries all.
 */
export function createLanes(client: mongo.MongoClient, options: LanesOptions): Lanes {
  const { appName, logger, max, depth } = options
  const lanes = new Set<Lane>()
  let connecting = false
  let notBefore = 0
  let closed = false
  const usable = isPlain(client.options)
  // The driver's patience is ours.
  const { connectTimeoutMS: connectMs, socketTimeoutMS: answerMs } = client.options
  /** The primary's address as the driver sees it; null where it sees none. */
  let primary: string | null = null

  const onTopology = ({ newDescription }: mongo.TopologyDescriptionChangedEvent) => {
    const found = [...newDescription.servers.values()].find(({ type }) => type === 'RSPrimary')
    lead(found?.address ?? null)
  }
  if (usable) {
    client.on('topologyDescriptionChanged', onTopology)
    // The driver tells of changes alone, and is connected already.
    if (client.options.directConnection) lead(String(client.options.hosts[0]))
    else {
      client
        .db('admin')
        .command({ hello: 1 })
        .then(
          (hello) => {
            if (primary === null) lead(hello['primary'] ?? null)
          },
          (error) => logger.debug({ err: error }, 'who is the primary is not known yet'),
        )
    }
  }

  function lead(address: string | null) {
    if (address === primary) return
    primary = address
    drop()
  }

  function drop() {
    // Each leaves the set as it ends.
    for (const lane of [...lanes]) lane.close()
  }

  async function open() {
    if (!usable || !primary || connecting || closed || lanes.size >= max || performance.now() < notBefore) return
    connecting = true
    const address = primary
    try {
      const lane = await Lane.open({ ...toHost(address), appName, connectMs, answerMs, depth }, () => {
        lanes.delete(lane)
        // What ended it may have ended the others as well: they end with their next command, or by the driver's word.
        notBefore = performance.now() + retryMs
      })
      if (closed || primary !== address) lane.close()
      else if (lane.isFree) lanes.add(lane)
    } catch (error) {
      notBefore = performance.now() + retryMs
      logger.debug({ err: error }, 'no connection of our own')
    } finally {
      connecting = false
    }
  }

  return {
    run(command) {
      let best = null as Lane | null
      for (const lane of lanes) if (lane.isFree && lane.load < (best?.load ?? depth)) best = lane
      if (!best || best.load > 0) void open()
      return best?.run(command) ?? null
    },
    close() {
      closed = true
      client.off('topologyDescriptionChanged', onTopology)
      drop()
    },
  }
}

/** Of `host:port`, where the host can be an IPv6 address in brackets. */
function toHost(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

/** Whether a server takes commands as they are from whoever connects. */
function isPlain(options: mongo.MongoOptions): boolean {
  const { credentials, tls, compressors, loadBalanced, proxyHost, serverApi, autoEncryption } = options as unknown as {
    [name: string]: any
  }
  const isCompressed = (compressors as string[] | undefined)?.some((name) => name !== 'none') ?? false
  return !(credentials || tls || isCompressed || loadBalanced || proxyHost || serverApi || autoEncryption)
}
