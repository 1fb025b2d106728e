import { z } from 'zod'
import { idPattern } from '../../../src/kernel/fields.ts'

/** The name and version of the form; a version is raised when earlier programs could not read what is written. */
export const formatName = 'phantom-power export'
export const formatVersion = 1

/** A line of JSON is never longer than this, in bytes: MongoDB's documents end at 16 MB. */
const mostLineBytes = 64 * 1024 * 1024
/** Stored files are cut into pieces of this size, in bytes. */
export const pieceBytes = 768 * 1024

const id = z.string().regex(idPattern)

/** The first line: what it is, and of which instance. */
export const Header = z.looseObject({
  format: z.literal(formatName),
  version: z.literal(formatVersion),
  exportId: id,
  lineage: id,
  exportedAt: z.iso.datetime(),
})
export type Header = z.infer<typeof Header>

export const DocumentLine = z.strictObject({
  collection: z.string(),
  document: z.looseObject({ _id: z.string().min(1) }),
})
const hash = z.string().regex(/^[0-9a-f]{64}$/)
/** A stored file begins with its size and SHA-256; its pieces follow at once. */
export const FileLine = z.strictObject({ file: z.string().max(200), bytes: z.int().min(0), sha256: hash })
export const PieceLine = z.strictObject({ piece: z.base64() })
/** The last line: without it the file is cut off. */
export const EndLine = z.strictObject({ end: z.strictObject({ documents: z.int(), files: z.int() }) })

export type Line =
  | ({ kind: 'document' } & z.infer<typeof DocumentLine>)
  | ({ kind: 'file' } & z.infer<typeof FileLine>)
  | ({ kind: 'piece' } & z.infer<typeof PieceLine>)
  | ({ kind: 'end' } & z.infer<typeof EndLine>)

/** What is wrong with a file, and where: shown as it is. */
export class ArchiveError extends Error {
  constructor(line: number, problem: string, cause?: unknown) {
    super(`line ${line}: ${problem}`, { cause })
  }
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ArchiveError(line, `this is not JSON (${(cause as Error).message})`, cause)
  }
}

/** The first line of an export. Throws an ArchiveError where it is none, or of a newer form. */
export function parseHeader(text: string): Header {
  const foreign = `this is not the first line of an export, {"format":"${formatName}", …}`
  let value: { format?: unknown; version?: unknown }
  try {
    value = parse(text, 1) as typeof value
  } catch (cause) {
    throw new ArchiveError(1, foreign, cause)
  }
  if (value?.format !== formatName) throw new ArchiveError(1, foreign)
  if (typeof value.version === 'number' && value.version > formatVersion) {
    const known = `this program reads up to ${formatVersion}`
    throw new ArchiveError(1, `the export has version ${value.version} of the form, and ${known}: update it first`)
  }
  const header = Header.safeParse(value)
  if (!header.success) throw new ArchiveError(1, z.prettifyError(header.error))
  return header.data
}

const kinds = { collection: DocumentLine, file: FileLine, piece: PieceLine, end: EndLine }
const names = { collection: 'document', file: 'file', piece: 'piece', end: 'end' } as const

/** Any other line. Throws an ArchiveError. */
export function parseLine(text: string, line: number): Line {
  const value = parse(text, line)
  const key = Object.keys(kinds).find((each) => Object.hasOwn(Object(value), each)) as keyof typeof kinds | undefined
  if (!key) throw new ArchiveError(line, 'this is neither a document nor a stored file nor the end')
  const parsed = kinds[key].safeParse(value)
  if (!parsed.success) throw new ArchiveError(line, z.prettifyError(parsed.error).replaceAll('\n', ' '))
  return { kind: names[key], ...parsed.data } as Line
}

/** The lines of a stream with their numbers from 1. Throws an ArchiveError for one that never ends. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<{ text: string; line: number }> {
  let held: Uint8Array[] = []
  let bytes = 0
  let line = 1
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      held.push(chunk.subarray(start, end))
      yield { text: Buffer.concat(held).toString('utf8'), line: line++ }
      held = []
      bytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    held.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > mostLineBytes) throw new ArchiveError(line, `it is longer than ${mostLineBytes} bytes`)
  }
  if (bytes > 0) yield { text: Buffer.concat(held).toString('utf8'), line }
}
