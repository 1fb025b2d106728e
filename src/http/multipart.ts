import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import busboy from 'busboy'
import { AppError, invalid } from '../kernel/errors.ts'

/** A body that brings nothing for so long is given up, in milliseconds. */
const idleMs = 60_000
/** Bounds of the parts beside the file. */
const mostFields = 50
const longestField = 32 * 1024

export interface MultipartOptions {
  /** The name of the part that holds the file. */
  file: string
  /** The longest file, in bytes. */
  maxBytes: number
  /** Takes the file's bytes as they come; what it throws ends the reading. */
  store(source: Readable, fileName: string | undefined): Promise<void>
}

const tooLarge = (bytes: number) => new AppError('too_large', `The file is larger than ${bytes} bytes`)

/**
 * Reads a `multipart/form-data` body with one file, before, between or after its other parts, and returns those by
 * name. The file is never held as a whole. Throws `unsupported_media`, `too_large`, `invalid`, or what `store` throws;
 * resolves or rejects only when `store` has ended.
 */
export async function readMultipart(
  incoming: IncomingMessage,
  options: MultipartOptions,
): Promise<Map<string, string[]>> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = incoming.headers
  if (!/^multipart\/form-data\s*;/i.test(type) || encoding !== 'identity') {
    throw new AppError('unsupported_media', 'The body must be multipart/form-data, not compressed')
  }
  // Beside the file there is little: a body that says it is longer can be refused before it comes.
  const said = Number(incoming.headers['content-length'] ?? 0)
  if (said > options.maxBytes + mostFields * longestField) throw tooLarge(options.maxBytes)
  let parser: busboy.Busboy
  try {
    // Told of a file's limit when it is reached, not when it is passed.
    parser = busboy({
      headers: incoming.headers,
      defParamCharset: 'utf8',
      limits: {
        files: 1,
        fields: mostFields,
        fieldSize: longestField,
        fieldNameSize: 100,
        fileSize: options.maxBytes + 1,
      },
    })
  } catch {
    throw invalid('The multipart body has no boundary')
  }
  const fields = new Map<string, string[]>()
  let storing: Promise<void> | undefined
  let seen: Readable | undefined
  let failure: unknown

  await new Promise<void>((done) => {
    let timer: NodeJS.Timeout | undefined
    const end = (error?: unknown) => {
      if (error !== undefined) failure ??= error
      clearTimeout(timer)
      incoming.unpipe(parser)
      incoming.off('data', wait)
      incoming.off('end', ended)
      incoming.off('error', cutOff)
      incoming.off('close', cutOff)
      parser.off('error', malformed)
      // What may still come of an error on the way down has been told already.
      parser.on('error', () => {})
      if (failure !== undefined) seen?.destroy(failure as Error)
      done()
    }
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(() => end(invalid('The body stopped coming')), idleMs)
    }
    const ended = () => clearTimeout(timer)
    // A body that came whole is closed, too.
    const cutOff = () => {
      if (!incoming.complete) end(invalid('The body was cut off'))
    }
    const malformed = () => end(invalid('The multipart body is malformed'))
    parser.on('error', malformed)
    parser.on('file', (name, stream, info) => {
      // Ends with the body; those who read it are told by `failure`.
      stream.on('error', () => {})
      if (name !== options.file) {
        stream.resume()
        end(invalid(`The file must be the part "${options.file}"`, options.file))
        return
      }
      seen = stream
      stream.on('limit', () => end(tooLarge(options.maxBytes)))
      storing = options.store(stream, info.filename || undefined)
      storing.catch(end)
    })
    parser.on('field', (name, value, info) => {
      // Typed as a text, and undefined all the same where the part has no name.
      if (!name) end(invalid('A part of the body has no name'))
      else if (info.valueTruncated || info.nameTruncated)
        end(invalid(`must be at most ${longestField} bytes`, name.slice(0, 100)))
      else fields.set(name, [...(fields.get(name) ?? []), value])
    })
    parser.on('fieldsLimit', () => end(invalid('The body has too many parts')))
    parser.on('filesLimit', () => end(invalid('The body has more than one file', options.file)))
    // 'close' waits for the file to be read to its end.
    parser.on('close', () => end())
    incoming.on('data', wait)
    incoming.on('end', ended)
    incoming.on('error', cutOff)
    incoming.on('close', cutOff)
    wait()
    incoming.pipe(parser)
  })
  try {
    await storing
  } catch (error) {
    failure ??= error
  }
  if (failure !== undefined) throw failure
  if (!storing) throw invalid('is missing', options.file)
  return fields
}

/**
 * The parts of a form as an object to be parsed: one value a name, lists where named so, whose values may also come in
 * one part with commas between; empty parts are as good as none. Throws `invalid` for a part that comes twice.
 */
export function formOf(fields: Map<string, string[]>, lists: string[] = []): Record<string, string | string[]> {
  const form: Record<string, string | string[]> = Object.create(null)
  for (const [name, values] of fields) {
    if (lists.includes(name)) {
      const items = values.flatMap((value) => value.split(',')).map((value) => value.trim())
      form[name] = items.filter(Boolean)
    } else if (values.length > 1) throw invalid('comes more than once', name.slice(0, 100))
    else if (values[0] !== '') form[name] = values[0]!
  }
  return { ...form }
}
