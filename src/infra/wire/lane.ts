import { connect, type Socket } from 'node:net'
import mongoose from 'mongoose'
import { AnswerReader, encodeMessage } from './message.ts'

const { MongoNetworkError, MongoNetworkTimeoutError, MongoServerError } = mongoose.mongo
type Document = mongoose.mongo.BSON.Document

export interface LaneOptions {
  host: string
  port: number
  appName: string
  connectMs: number
  /** After so long without an answer the connection is given up, in milliseconds. */
  answerMs: number
  /** How many commands it carries at once; the server answers them in their order. */
  depth: number
}

interface Pending {
  resolve(answer: Document): void
  reject(error: Error): void
}

/** A connection to the primary that carries a few commands at a time. */
export class Lane {
  readonly #socket: Socket
  readonly #options: LaneOptions
  readonly #reader = new AnswerReader()
  readonly #onEnd: () => void
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #isOpen = false
  #ended: Error | null = null

  private constructor(options: LaneOptions, onEnd: () => void) {
    this.#options = options
    this.#onEnd = onEnd
    this.#socket = connect({ host: options.host, port: options.port, noDelay: true, keepAlive: true })
    this.#socket.setTimeout(options.connectMs)
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('timeout', () => this.#end(new MongoNetworkTimeoutError('no answer in time')))
    this.#socket.on('error', (error) => this.#end(new MongoNetworkError(error.message, { cause: error })))
    this.#socket.on('close', () => this.#end(new MongoNetworkError('the connection was closed')))
  }

  /** Connects; `onEnd` is called once where it ends later. Throws where there is no primary. */
  static async open(options: LaneOptions, onEnd: () => void): Promise<Lane> {
    const lane = new Lane(options, () => lane.#isOpen && onEnd())
    try {
      const hello = await lane.#send({
        hello: 1,
        $db: 'admin',
        client: {
          application: { name: options.appName },
          driver: { name: options.appName, version: '1' },
          os: { type: process.platform },
        },
      })
      if (hello['isWritablePrimary'] !== true) throw new MongoNetworkError('it is no primary')
      lane.#isOpen = true
      return lane
    } catch (error) {
      lane.close()
      throw error
    }
  }

  /** How many commands wait for their answers. */
  get load(): number {
    return this.#pending.size
  }

  get isFree(): boolean {
    return this.#isOpen && this.#pending.size < this.#options.depth && this.#ended === null
  }

  /**
   * Runs a command while the lane is free. Throws the driver's errors: MongoNetworkError where the outcome is unknown,
   * MongoServerError where the server refused the command as a whole; the lane ends with either.
   */
  async run(command: Document): Promise<Document> {
    const answer = await this.#send(command)
    if (answer['ok'] === 1) return answer
    // Most refusals of a whole command tell of a server that steps down or ends: then another one is asked for anew.
    this.close()
    throw new MongoServerError(answer)
  }

  close(): void {
    this.#end(new MongoNetworkError('the connection was closed'))
  }

  #send(command: Document): Promise<Document> {
    if (this.#ended) return Promise.reject(this.#ended)
    this.#lastId = (this.#lastId % 0x7fffffff) + 1
    const id = this.#lastId
    const message = encodeMessage(id, command)
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      if (this.#isOpen) this.#socket.setTimeout(this.#options.answerMs)
      this.#socket.write(message)
    })
  }

  #read(chunk: Buffer) {
    try {
      for (const { to, body } of this.#reader.read(chunk)) {
        const pending = this.#pending.get(to)
        if (!pending) throw new Error('an answer to nothing')
        this.#pending.delete(to)
        if (this.#pending.size === 0) this.#socket.setTimeout(0)
        pending.resolve(body)
      }
    } catch (error) {
      this.#end(new MongoNetworkError(String(error), { cause: error as Error }))
    }
  }

  #end(error: Error) {
    if (this.#ended) return
    this.#ended = error
    this.#socket.destroy()
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
    this.#onEnd()
  }
}
