import { z } from 'zod'

/** A stored Date that travels as an ISO 8601 UTC string with milliseconds. */
const time = () =>
  z.codec(z.iso.datetime({ offset: true }).meta({ format: 'date-time' }), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  })

/** A ULID: 26 characters of Crockford's base 32. */
export const idPattern = /^[0-9A-HJKMNP-TV-Z]{26}$/

const ulid = () => z.string().regex(idPattern, 'must be an id (26 characters)').meta({ format: 'tsid' })

/**
 * What becomes of a reference when the thing is deleted. `cascade`: what refers goes too. `null`: the reference is
 * taken away. `refuse`: the thing can't be deleted while it is referred to. `keep`: it stays, for the thing leaves
 * a trace (an account without a name, a message without its text), or because the field is derived, not stored.
 */
export type OnDelete = 'cascade' | 'null' | 'refuse' | 'keep'

/** The id of an entity. Fields of models say what becomes of it when the entity is deleted. */
const idOf = (entity: string, onDelete?: OnDelete) =>
  ulid().meta({ format: 'tsid', ref: entity, ...(onDelete && { onDelete }) })

/** The id of one of several entities; a field beside it, named by `by`, says of which. */
const targetOf = (by: string, onDelete: OnDelete) => ulid().meta({ format: 'tsid', refBy: by, onDelete })

/**
 * A web address in its normal form. `URL` lets through what RFC 3986 (and with it the format `uri` of JSON Schema)
 * does not, such as `|`, a bare `%` or a second `#`; these are refused.
 */
const uri = () =>
  z
    .url({ protocol: /^https?$/, normalize: true })
    .max(2048)
    .regex(
      /^https?:\/\/(?:[\w\-.~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(?:#(?:[\w\-.~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)?$/,
      'must be a web address',
    )
    .meta({ format: 'uri' })

/** MongoDB would store a half of a surrogate pair as another character. */
const wellFormed = (value: string) => !/\p{Cs}/u.test(value)
const notWellFormed = 'must be well-formed Unicode'

/** Text of some length, without control characters other than line breaks and tabs. */
const text = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
    .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f]*$/, 'must not contain control characters')
    .refine(wellFormed, notWellFormed)

/** Text of some length in characters (code points), as people count them. */
const content = (min: number, max: number) =>
  text(min, max * 2)
    .refine((value) => value.length <= max || [...value].length <= max, `must be at most ${max} characters`)
    .meta({ maxLength: max })

/** A short name of one line that holds more than white space. */
const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
    .regex(/^(?=.*\S)[^\u0000-\u001f\u007f]*$/, 'must be one line, and not only white space')
    .refine(wellFormed, notWellFormed)

/** What is kept of a secret token: its SHA-256, in hexadecimal. */
const sha256 = () => z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')

/** A JSON object of any content. */
const json = () => z.record(z.string(), z.unknown())

/** The vocabulary that entities, payloads and routes are declared in. */
export const f = {
  id: ulid,
  ref: idOf,
  target: targetOf,
  time,
  uri,
  text,
  content,
  name,
  json,
  sha256,
  email: () => z.email().max(254),
  int: () => z.int(),
  seq: () => z.int().min(0),
  fraction: () => z.number().min(0).max(1),
}
