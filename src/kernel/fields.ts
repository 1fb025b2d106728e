import { z } from 'zod'

/** A stored Date that travels as an ISO 8601 UTC string with milliseconds. */
const time = () =>
  z.codec(z.iso.datetime({ offset: true }).meta({ format: 'date-time' }), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  })

const ulid = () =>
  z
    .string()
    .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be an id (26 characters)')
    .meta({ format: 'tsid' })

const idOf = (entity: string) => ulid().meta({ format: 'tsid', ref: entity })

const uri = () => z.url({ protocol: /^https?$/ }).max(2048)

/** Text of some length, without control characters other than line breaks and tabs. */
const text = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
    .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f]*$/, 'must not contain control characters')

/** A short name of one line that holds more than white space. */
const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
    .regex(/^[^\u0000-\u001f\u007f]*\S[^\u0000-\u001f\u007f]*$/, 'must be one line, and not only white space')

/** What is kept of a secret token: its SHA-256, in hexadecimal. */
const sha256 = () => z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')

/** A JSON object of any content. */
const json = () => z.record(z.string(), z.unknown())

/** The vocabulary that entities, payloads and routes are declared in. */
export const f = {
  id: ulid,
  ref: idOf,
  time,
  uri,
  text,
  name,
  json,
  sha256,
  email: () => z.email().max(254),
  int: () => z.int(),
  seq: () => z.int().min(0),
  fraction: () => z.number().min(0).max(1),
}
