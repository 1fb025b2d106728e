import mongoose from 'mongoose'

const { BSON } = mongoose.mongo
type Document = mongoose.mongo.BSON.Document

/** Bytes of a message before its one section: the header, flags, and the section's kind. */
const headBytes = 21
const opMsg = 2013
/** What MongoDB says of itself as `maxMessageSizeBytes`: nothing longer comes. */
const maxMessageBytes = 48_000_000

/**
 * A command as one OP_MSG with a body section.
 * Source: MongoDB's wire protocol, https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/#op_msg
 */
export function encodeMessage(requestId: number, command: Document): Buffer {
  const body = BSON.serialize(command, { ignoreUndefined: true })
  const message = Buffer.allocUnsafe(headBytes + body.length)
  message.writeInt32LE(message.length, 0)
  message.writeInt32LE(requestId, 4)
  message.writeInt32LE(0, 8)
  message.writeInt32LE(opMsg, 12)
  message.writeInt32LE(0, 16)
  message[20] = 0
  message.set(body, headBytes)
  return message
}

export interface Answer {
  /** The request that it answers. */
  to: number
  body: Document
}

/** Puts what a socket brings together to answers. */
export class AnswerReader {
  #chunks: Buffer[] = []
  #bytes = 0
  #due = 0

  /** The answers that are whole with these bytes. Throws where they are none of the protocol's. */
  read(chunk: Buffer): Answer[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < Math.max(4, this.#due)) return []
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const answers: Answer[] = []
    this.#due = 0
    while (rest.length >= 4) {
      const length = rest.readInt32LE(0)
      if (length < headBytes + 5 || length > maxMessageBytes) throw new Error(`a message of ${length} bytes`)
      if (rest.length < length) {
        this.#due = length
        break
      }
      if (rest.readInt32LE(12) !== opMsg || rest[20] !== 0) throw new Error('an answer of another kind')
      answers.push({ to: rest.readInt32LE(8), body: BSON.deserialize(rest.subarray(headBytes, length)) })
      rest = rest.subarray(length)
    }
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#bytes = rest.length
    return answers
  }
}
