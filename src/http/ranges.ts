import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Exchange } from '../kernel/route.ts'
import type { ByteRange } from '../kernel/storage.ts'

/** Bytes to be served, and what is told of them. */
export interface Content {
  bytes: number
  type: string
  /** A strong validator, in quotes. */
  etag: string
  changedAt: Date
  headers: Record<string, string>
  open(range?: ByteRange): Promise<Readable>
}

/** More ranges than this in one request are for no player; the whole is sent instead. */
const mostRanges = 16

/** Whether one of a list of validators is this one, compared weakly. */
const lists = (header: string, etag: string): boolean =>
  header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)

/**
 * What a Range header asks for (RFC 9110, section 14): undefined to be ignored, an empty list where none can be
 * satisfied.
 */
function rangesOf(header: string | undefined, bytes: number): ByteRange[] | undefined {
  const match = /^bytes=(.+)$/i.exec(header?.trim() ?? '')
  if (!match) return undefined
  const ranges: ByteRange[] = []
  const specs = match[1]!
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  if (specs.length === 0 || specs.length > mostRanges) return undefined
  for (const spec of specs) {
    const [, first, last] = /^(\d{0,15})-(\d{0,15})$/.exec(spec) ?? []
    if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
    if (first === '') {
      const suffix = Math.min(Number(last), bytes)
      if (suffix > 0) ranges.push({ start: bytes - suffix, end: bytes - 1 })
      continue
    }
    const start = Number(first)
    const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
    if (last !== '' && Number(last) < start) return undefined
    if (start < bytes) ranges.push({ start, end })
  }
  // Ranges that overlap to more than the whole are an attack, or a mistake.
  const total = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)
  return total > bytes ? undefined : ranges
}

/** Answers a GET or HEAD for bytes: whole, in one range or several, or not at all where the client has them. */
export async function serveContent(http: Exchange, content: Content): Promise<Response> {
  const { bytes, type, etag } = content
  // HTTP's times have whole seconds.
  const changedAt = Math.floor(content.changedAt.getTime() / 1000) * 1000
  const modified = new Date(changedAt).toUTCString()
  const headers: Record<string, string> = {
    ...content.headers,
    'Accept-Ranges': 'bytes',
    ETag: etag,
    'Last-Modified': modified,
  }
  const known = http.header('If-None-Match')
  const since = http.header('If-Modified-Since')
  const isKnown = known !== undefined ? lists(known, etag) : since !== undefined && Date.parse(since) >= changedAt
  if (isKnown) return new Response(null, { status: 304, headers })

  const condition = http.header('If-Range')
  const holds = condition === undefined || condition === etag || condition === modified
  // HEAD tells of the whole: ranges are defined for GET alone.
  const isHead = http.method === 'HEAD'
  const ranges = holds && !isHead ? rangesOf(http.header('Range'), bytes) : undefined
  if (!ranges) {
    const body = isHead ? null : toWeb(await content.open())
    return new Response(body, { headers: { ...headers, 'Content-Type': type, 'Content-Length': String(bytes) } })
  }
  if (ranges.length === 0) {
    return new Response(null, { status: 416, headers: { ...headers, 'Content-Range': `bytes */${bytes}` } })
  }
  const told = ({ start, end }: ByteRange) => `bytes ${start}-${end}/${bytes}`
  if (ranges.length === 1) {
    const range = ranges[0]!
    const body = toWeb(await content.open(range))
    return new Response(body, {
      status: 206,
      headers: {
        ...headers,
        'Content-Type': type,
        'Content-Length': String(range.end - range.start + 1),
        'Content-Range': told(range),
      },
    })
  }
  const boundary = randomBytes(16).toString('hex')
  const heads = ranges.map((range) =>
    Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${told(range)}\r\n\r\n`),
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  const length = ranges.reduce((sum, { start, end }, at) => sum + heads[at]!.length + end - start + 1, tail.length)
  async function* parts() {
    for (const [at, range] of ranges!.entries()) {
      yield heads[at]!
      yield* await content.open(range)
    }
    yield tail
  }
  return new Response(toWeb(Readable.from(parts(), { objectMode: false })), {
    status: 206,
    headers: {
      ...headers,
      'Content-Type': `multipart/byteranges; boundary=${boundary}`,
      'Content-Length': String(length),
    },
  })
}

const toWeb = (stream: Readable) => Readable.toWeb(stream) as ReadableStream

/** `Content-Disposition` for a download under a name (RFC 6266): plain for the old, in full for all others. */
export function attachment(name: string): string {
  // Slashes and their like are no part of a name; control and direction characters deceive who reads it.
  const clean = name
    .replace(/[\p{C}/\\:*?"<>|]+/gu, '_')
    .replace(/^\.+/, '_')
    .trim()
  const safe = [...clean].slice(0, 150).join('') || 'download'
  const plain = safe.replace(/[^\x20-\x7e]/g, '_').replace(/[%;]/g, '_')
  const full = encodeURIComponent(safe).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`
}
