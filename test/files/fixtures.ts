import { createHash } from 'node:crypto'
import { encodeWave } from '../../scripts/shared/wave.ts'
import type { Answer, Instance, Person, World } from '../support/world.ts'

/** A WAV of silence and a pattern, of some bytes in all. */
export function wav(bytes = 64_000, seed = 1): Buffer {
  const file = Buffer.alloc(bytes)
  encodeWave([new Float32Array(Math.floor((bytes - 44) / 2))], 44_100).copy(file)
  for (let at = 44; at < bytes; at++) file[at] = (at * 31 + (at >> 8) * seed) & 0xff
  return file
}

/** The first bytes of each format, as encoders write them. */
export const heads: Record<string, Buffer> = {
  'audio/mpeg': Buffer.concat([
    Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1'),
    Buffer.from([0xff, 0xfb, 0x90, 0x64]),
    Buffer.alloc(800),
  ]),
  'audio/wav': wav(2_000),
  'audio/flac': Buffer.concat([Buffer.from('fLaC\0\0\0\x22', 'latin1'), Buffer.alloc(300)]),
  'audio/ogg': ogg(Buffer.from('\x01vorbis', 'latin1')),
  'audio/ogg; codecs=opus': ogg(Buffer.from('OpusHead\x01', 'latin1')),
  'audio/mp4': Buffer.concat([Buffer.from('\0\0\0\x1cftypM4A \0\0\x02\0M4A isomiso2', 'latin1'), Buffer.alloc(300)]),
  'audio/aac': Buffer.concat([Buffer.from([0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc]), Buffer.alloc(300)]),
}

function ogg(packet: Buffer): Buffer {
  const page = Buffer.alloc(28)
  page.write('OggS', 0)
  page[5] = 2
  page[26] = 1
  page[27] = packet.length
  return Buffer.concat([page, packet, Buffer.alloc(300)])
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export interface FormOptions {
  file?: Buffer | null
  fileName?: string
  type?: string
  /** Parts in their order; the file comes where `file` stands, else first. */
  fields?: [string, string][]
  instance?: number | Instance
  path?: string
}

/** Posts a form as browsers do. */
export async function postForm(
  world: World,
  as: Person | { accessToken: string } | null,
  options: FormOptions,
): Promise<Answer> {
  const { file = wav(), fileName = 'take 1.wav', type = 'audio/wav', fields = [['title', 'Take 1']] } = options
  const form = new FormData()
  const addFile = () => file && form.append('file', new Blob([new Uint8Array(file)], { type }), fileName)
  if (!fields.some(([name]) => name === 'file')) addFile()
  for (const [name, value] of fields) {
    if (name === 'file') addFile()
    else form.append(name, value)
  }
  const { instance = 0, path = '/api/v1/audio-files' } = options
  const { url } = typeof instance === 'number' ? world.instances[instance]! : instance
  const response = await fetch(url + path, {
    method: 'POST',
    headers: as ? { Authorization: `Bearer ${as.accessToken}` } : {},
    body: form,
    signal: AbortSignal.timeout(60_000),
  })
  const text = await response.text()
  const isJson = response.headers.get('Content-Type')?.includes('json')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

/** Uploads a recording and gives its record. */
export async function upload(world: World, as: Person, options: FormOptions = {}): Promise<any> {
  const { status, body } = await postForm(world, as, options)
  if (status !== 201) throw new Error(`the upload answered ${status}: ${JSON.stringify(body)}`)
  return body
}

/** The bytes that an address gives. */
export async function bytesOf(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(60_000) })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}
