import type { IncomingMessage } from 'node:http'
import { AppError, invalid } from '../kernel/errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a JSON body of at most `limit` bytes; undefined when there is none.
 * Throws `unsupported_media`, `too_large` or `invalid`.
 */
export async function readJson(incoming: IncomingMessage, limit: number): Promise<unknown> {
  const { 'content-length': length, 'transfer-encoding': chunked, 'content-type': type = '' } = incoming.headers
  if (!chunked && (length === undefined || length === '0')) return undefined
  checkType(type, incoming.headers['content-encoding'])
  if (Number(length) > limit) throw tooLarge(limit)
  const bytes = await readBytes(incoming, limit)
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid('The body is not JSON')
    throw invalid('The body is not UTF-8')
  }
}

const tooLarge = (limit: number) => new AppError('too_large', `The body is larger than ${limit} bytes`)

function checkType(type: string, encoding: string | undefined) {
  const [media = '', ...parameters] = type.toLowerCase().split(';')
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='))
  const json = /^application\/(?:[\w.+-]+\+)?json$/.test(media.trim())
  if (!json || (charset && !/^charset="?utf-?8"?$/.test(charset))) {
    throw new AppError('unsupported_media', 'The body must be application/json in UTF-8')
  }
  if (encoding && encoding !== 'identity') {
    throw new AppError('unsupported_media', 'The body must not be compressed')
  }
}

function readBytes(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = () => {
      incoming.off('data', take)
      incoming.off('end', done)
      incoming.off('error', cutOff)
      incoming.off('close', cutOff)
    }
    const take = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        stop()
        incoming.pause()
        reject(tooLarge(limit))
      } else chunks.push(chunk)
    }
    const done = () => {
      stop()
      resolve(Buffer.concat(chunks, size))
    }
    const cutOff = () => {
      stop()
      reject(invalid('The body was cut off'))
    }
    incoming.on('data', take)
    incoming.on('end', done)
    incoming.on('error', cutOff)
    incoming.on('close', cutOff)
  })
}
