import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { readMessage } from '../../src/boards/protocol.ts'
import { createRandom } from './random.ts'

function write(run: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  run(encoder)
  return encoding.toUint8Array(encoder)
}
const updateFrame = (update: Uint8Array, step = 2) =>
  write((encoder) => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, step)
    encoding.writeVarUint8Array(encoder, update)
  })
const awarenessFrame = (...entries: [clientId: number, clock: number, state: string][]) =>
  write((encoder) => {
    encoding.writeVarUint(encoder, 1)
    const body = write((inner) => {
      encoding.writeVarUint(inner, entries.length)
      for (const [clientId, clock, state] of entries) {
        encoding.writeVarUint(inner, clientId)
        encoding.writeVarUint(inner, clock)
        encoding.writeVarString(inner, state)
      }
    })
    encoding.writeVarUint8Array(encoder, body)
  })

/** Structs of one client, and no deletions; `info` is the content's number with what is said of its place. */
const structs = (client: number, clock: number, count: number, body: (encoder: encoding.Encoder) => void) =>
  write((encoder) => {
    for (const number of [1, count, client, clock]) encoding.writeVarUint(encoder, number)
    body(encoder)
    encoding.writeVarUint(encoder, 0)
  })
const id = (encoder: encoding.Encoder, client: number, clock: number) => {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}
/** Text with a left and maybe a right neighbour. */
const text = (encoder: encoding.Encoder, left: [number, number], right?: [number, number]) => {
  encoding.writeUint8(encoder, 4 | 128 | (right ? 64 : 0))
  id(encoder, ...left)
  if (right) id(encoder, ...right)
  encoding.writeVarString(encoder, 'x')
}

/** Whether a stock Yjs document would take a frame as a change like another: then it is none of the broken ones. */
function isHonest(frame: Uint8Array, state: Uint8Array): boolean {
  let message: ReturnType<typeof readMessage>
  try {
    message = readMessage(frame)
  } catch {
    return false
  }
  if (message.type === 'awareness') {
    return message.entries.every(({ state: json }) => {
      try {
        const parsed = JSON.parse(json)
        return parsed === null || (typeof parsed === 'object' && !Array.isArray(parsed))
      } catch {
        return false
      }
    })
  }
  if (message.type !== 'update' && message.type !== 'step2') return true
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  try {
    Y.applyUpdate(doc, message.update)
  } catch {
    return false
  }
  return doc.store.pendingStructs === null && doc.store.pendingDs === null
}

/**
 * Broken, bit-flipped and hostile frames of the y-websocket protocol against a document in this state, the same for a
 * seed: each has to end the connection that it comes by.
 */
export function hostileFrames(state: Uint8Array, seed: number): Uint8Array[] {
  const random = createRandom(seed).next
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const cards = doc.getMap<Y.Map<unknown>>('cards')
  const [known] = cards.keys()
  const poison = { id: 'poison', columnId: 'todo', order: 'a0', title: 'poison' }
  cards.set(poison.id, new Y.Map(Object.entries(poison)))
  if (known !== undefined) {
    cards.get(known)!.set('title', 'poison')
    cards.delete(known)
  }
  const honest = [...updates.map((update) => updateFrame(update)), awarenessFrame([77, 1, '{"cursor":1}'])]
  const frames: Uint8Array[] = []
  for (const frame of honest) {
    for (let length = 0; length < frame.length; length += Math.ceil(frame.length / 12))
      frames.push(frame.subarray(0, length))
    frames.push(Buffer.concat([frame, Buffer.from([0])]))
    for (let flip = 0; flip < 60; flip++) {
      const flipped = Uint8Array.from(frame)
      const at = Math.floor(random() * frame.length)
      flipped[at] = flipped[at]! ^ (1 << Math.floor(random() * 8))
      frames.push(flipped)
    }
  }
  for (let index = 0; index < 60; index++) {
    frames.push(Uint8Array.from({ length: Math.floor(random() * 200) }, () => random() * 256))
  }
  const any = (encoder: encoding.Encoder, depth: number) => {
    encoding.writeUint8(encoder, 40)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarString(encoder, 'k')
    encoding.writeVarUint(encoder, 1)
    for (let level = 0; level < depth; level++) {
      encoding.writeUint8(encoder, 117)
      encoding.writeVarUint(encoder, 1)
    }
    encoding.writeUint8(encoder, 126)
  }
  frames.push(
    // Updates without their predecessors, in one way and another.
    updateFrame(structs(9_001, 5, 1, (encoder) => void text(encoder, [9_001, 4]))),
    updateFrame(structs(9_002, 0, 1, (encoder) => void text(encoder, [424_242, 7]))),
    updateFrame(
      write((encoder) => [0, 1, 515_151, 1, 0, 3].forEach((number) => void encoding.writeVarUint(encoder, number))),
    ),
    // It builds on itself, and two on each other.
    updateFrame(structs(9_003, 0, 1, (encoder) => void text(encoder, [9_003, 0]))),
    updateFrame(
      write((encoder) => {
        encoding.writeVarUint(encoder, 2)
        for (const [own, other] of [
          [9_005, 9_004],
          [9_004, 9_005],
        ] as const) {
          for (const number of [1, own, 0]) encoding.writeVarUint(encoder, number)
          text(encoder, [other, 0])
        }
        encoding.writeVarUint(encoder, 0)
      }),
    ),
    // Lengths and clocks beyond all measure.
    updateFrame(
      structs(9_006, 0, 1, (encoder) => {
        encoding.writeUint8(encoder, 0)
        encoding.writeVarUint(encoder, 2 ** 50)
      }),
    ),
    updateFrame(
      write((encoder) => [2 ** 40, 2 ** 40, 1, 0].forEach((number) => void encoding.writeVarUint(encoder, number))),
    ),
    // A document within the document.
    updateFrame(
      structs(9_007, 0, 1, (encoder) => {
        encoding.writeUint8(encoder, 9 | 32)
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarString(encoder, 'cards')
        encoding.writeVarString(encoder, 'sub')
        encoding.writeVarString(encoder, 'guid')
        encoding.writeAny(encoder, {})
      }),
    ),
    // Values nested deeper than a stack.
    updateFrame(structs(9_008, 0, 1, (encoder) => any(encoder, 50_000))),
    // Awareness that is none.
    awarenessFrame([78, 1, 'not JSON']),
    awarenessFrame([78, 1, '[1,2]']),
    awarenessFrame([78, 1, '5']),
    write((encoder) => [1, 3, 255, 255, 127].forEach((number) => void encoding.writeUint8(encoder, number))),
    // Messages that there are none of, and a state vector without its end.
    Uint8Array.from([2, 0]),
    Uint8Array.from([4]),
    Uint8Array.from([0, 3, 0]),
    Uint8Array.from([0, 0, 1, 9]),
    Uint8Array.from([]),
  )
  return frames.filter((frame) => !isHonest(frame, state))
}
