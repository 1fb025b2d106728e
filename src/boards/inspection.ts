import * as Y from 'yjs'
import { BrokenFrame } from './types.ts'

/** What reads the update that is being inspected: Y.decodeUpdate keeps it to itself, and with it where the update ended. */
let reader: Y.UpdateDecoderV1
class Reader extends Y.UpdateDecoderV1 {
  constructor(...given: ConstructorParameters<typeof Y.UpdateDecoderV1>) {
    super(...given)
    reader = this
  }
}

/** Clocks count characters and elements; real documents are far below. */
const maxClock = 2 ** 32

export interface Inspection {
  structs: number
  /** What the update builds on and the document lacks: the clock that is needed of each client. Null for nothing. */
  missing: Map<number, number> | null
}

/**
 * Reads an update without applying it, and compares what it refers to with what a document has. `clockOf` gives the next
 * clock of a client in that document. Throws BrokenFrame for what no Yjs client writes.
 */
export function inspectUpdate(update: Uint8Array, clockOf: (client: number) => number): Inspection {
  let decoded: ReturnType<typeof Y.decodeUpdateV2>
  try {
    decoded = Y.decodeUpdateV2(update, Reader)
  } catch (error) {
    throw new BrokenFrame('not an update', { cause: error })
  }
  if (reader.restDecoder.pos !== update.length) throw new BrokenFrame('bytes are left over')
  const ends = new Map<number, number>()
  const missing = new Map<number, number>()
  const lack = (client: number, clock: number) => {
    missing.set(client, Math.max(missing.get(client) ?? 0, clock))
  }
  const { structs } = decoded
  for (const struct of structs) {
    const { client, clock } = struct.id
    const end = clock + struct.length
    if (!(struct.length > 0) || end > maxClock) throw new BrokenFrame('an impossible clock')
    if (struct instanceof Y.Skip) continue
    const known = ends.get(client) ?? clockOf(client)
    if (clock > known) lack(client, clock - 1)
    if (end > known) ends.set(client, end)
  }
  const has = (client: number, clock: number) => clock < (ends.get(client) ?? clockOf(client))
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue
    if (struct.content instanceof Y.ContentDoc) throw new BrokenFrame('a board has no documents within')
    const parent = struct.parent as unknown
    for (const reference of [struct.origin, struct.rightOrigin, parent instanceof Y.ID ? parent : null]) {
      if (!reference) continue
      if (reference.client === struct.id.client && reference.clock >= struct.id.clock) {
        throw new BrokenFrame('it builds on what comes after it')
      }
      if (!has(reference.client, reference.clock)) lack(reference.client, reference.clock)
    }
  }
  for (const [client, ranges] of decoded.ds.clients) {
    for (const { clock, len } of ranges) {
      if (!(len > 0) || clock + len > maxClock) throw new BrokenFrame('an impossible deletion')
      if (!has(client, clock + len - 1)) lack(client, clock + len - 1)
    }
  }
  return { structs: structs.length, missing: missing.size > 0 ? missing : null }
}
