/*
 * node --import tsx scripts/uploads.ts [megabytes] [folder]: what large uploads cost a server of its own, whose data is
 * in the folder given. Prints for each way the time, whether the bytes came out as they went in, and by how much the
 * server's memory grew; then what is left of an upload that was killed with its server.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '..')
const bytes = Number(process.argv[2] ?? 500) * 1024 * 1024
const chunkBytes = 256 * 1024

interface Running {
  url: string
  child: ChildProcess
}

/** The same bytes at the same place each time: a WAV's head, then a pattern that does not repeat within a chunk. */
function chunkAt(at: number): Buffer {
  const chunk = Buffer.alloc(Math.min(chunkBytes, bytes - at))
  let state = (at / chunkBytes + 1) * 2_654_435_761
  for (let place = 0; place + 4 <= chunk.length; place += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    chunk.writeUInt32LE(state, place)
  }
  if (at === 0) {
    chunk.write('RIFF')
    chunk.writeUInt32LE(bytes - 8, 4)
    chunk.write('WAVEfmt ', 8)
  }
  return chunk
}

/** The bytes from `start` to before `end`. */
function* slices(start: number, end: number): Generator<Buffer> {
  for (let at = start - (start % chunkBytes); at < end; at += chunkBytes) {
    yield chunkAt(at).subarray(Math.max(0, start - at), Math.min(chunkBytes, end - at))
  }
}

async function start(dataDir: string): Promise<Running> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'web'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      PORT: '0',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'warn',
      RATE_LIMITS: 'off',
      MAX_UPLOAD_BYTES: String(bytes),
    },
  })
  for await (const line of createInterface({ input: child.stderr! })) {
    const listening = / listens on (\S+)$/.exec(line)
    if (!listening) console.error(line)
    else {
      child.stderr!.resume()
      return { url: listening[1]!, child }
    }
  }
  throw new Error('the server did not start')
}

async function rss(child: ChildProcess): Promise<number> {
  const text = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(text)![1]) * 1024
}

/** Runs work and tells by how many MB the server's memory was above the start at most. */
async function watched<T>(
  { child }: Running,
  work: () => Promise<T>,
): Promise<{ result: T; grownMb: number; seconds: number }> {
  const before = await rss(child)
  let most = before
  const timer = setInterval(() => void rss(child).then((now) => (most = Math.max(most, now))), 50)
  const startedAt = performance.now()
  try {
    const result = await work()
    return { result, grownMb: (most - before) / 1024 / 1024, seconds: (performance.now() - startedAt) / 1000 }
  } finally {
    clearInterval(timer)
  }
}

async function ask(url: string, init: RequestInit & { duplex?: 'half' }): Promise<Response> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${init.method} ${url} answered ${response.status}: ${await response.text()}`)
  return response
}

/** A body that breaks the line once it has gone out. */
function body(parts: Iterable<Buffer>, atEnd?: () => void): ReadableStream {
  const iterator = parts[Symbol.iterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = iterator.next()
      if (!done) controller.enqueue(value)
      else if (!atEnd) controller.close()
      else {
        setTimeout(atEnd, 100)
        await new Promise(() => {})
      }
    },
  })
}

async function viaTus({ url }: Running, token: string): Promise<string> {
  const headers = { Authorization: `Bearer ${token}`, 'Tus-Resumable': '1.0.0' }
  const begun = await ask(`${url}/api/v1/uploads`, {
    method: 'POST',
    headers: {
      ...headers,
      'Upload-Length': String(bytes),
      'Upload-Metadata': `title ${Buffer.from('Long').toString('base64')}`,
    },
  })
  const upload = new URL(begun.headers.get('Location')!, url).href
  const offset = async () => Number((await ask(upload, { method: 'HEAD', headers })).headers.get('Upload-Offset'))
  const patch = async (from: number, to: number, stop?: AbortController) =>
    ask(upload, {
      method: 'PATCH',
      headers: { ...headers, 'Upload-Offset': String(from), 'Content-Type': 'application/offset+octet-stream' },
      body: body(slices(from, to), stop && (() => stop.abort())),
      duplex: 'half',
      signal: stop?.signal ?? null,
    })
  for (let cut = 1; cut <= 5; cut++) {
    const stop = new AbortController()
    await patch(await offset(), Math.floor((bytes * cut) / 6) + 7 * cut, stop).catch((error) => {
      if (!stop.signal.aborted) throw error
    })
  }
  const from = await offset()
  console.log(`  cut five times, resumed at ${from} of ${bytes}`)
  return (await patch(from, bytes)).headers.get('X-Audio-File-Id')!
}

function* form(end = true): Generator<Buffer> {
  yield Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
  yield* slices(0, end ? bytes : bytes / 2)
  if (!end) return
  yield Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nLong\r\n--b--\r\n')
}

async function viaForm({ url }: Running, token: string, end = true): Promise<string> {
  const response = await ask(`${url}/api/v1/audio-files`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'multipart/form-data; boundary=b' },
    body: body(form(end), end ? undefined : () => {}),
    duplex: 'half',
  })
  return ((await response.json()) as { id: string }).id
}

async function sha256({ url }: Running, id: string): Promise<string> {
  const hash = createHash('sha256')
  const response = await ask(`${url}/api/v1/audio-files/${id}/stream`, { method: 'GET' })
  for await (const chunk of response.body!) hash.update(chunk)
  return hash.digest('hex')
}

async function stop({ child }: Running, signal: 'SIGTERM' | 'SIGKILL') {
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function main() {
  const folder = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'phantom-uploads-'))
  const hash = createHash('sha256')
  for (const slice of slices(0, bytes)) hash.update(slice)
  const expected = hash.digest('hex')
  let server = await start(folder)
  try {
    const registered = await ask(`${server.url}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: 'jane@example.com', password: 'a password', displayName: 'Jane' }),
    })
    const { accessToken } = (await registered.json()) as { accessToken: string }
    for (const [name, send] of [
      ['tus', viaTus],
      ['multipart', viaForm],
    ] as const) {
      const { result: id, grownMb, seconds } = await watched(server, () => send(server, accessToken))
      const download = await watched(server, () => sha256(server, id))
      const same = download.result === expected ? 'SHA-256 equal' : 'SHA-256 DIFFERS'
      console.log(`${name}: ${bytes} bytes in ${seconds.toFixed(1)} s, memory +${grownMb.toFixed(0)} MB, ${same}`)
      console.log(`  back in ${download.seconds.toFixed(1)} s, memory +${download.grownMb.toFixed(0)} MB`)
      await ask(`${server.url}/api/v1/audio-files/${id}`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${accessToken}` },
      })
    }
    const audio = join(folder, 'uploads', 'audio')
    const left = async () => (await readdir(audio).catch(() => [])).length
    console.log(`deleted: ${await left()} files are left`)
    const dying = viaForm(server, accessToken, false).catch(() => {})
    while ((await left()) === 0) await new Promise((done) => setTimeout(done, 50))
    await new Promise((done) => setTimeout(done, 500))
    await stop(server, 'SIGKILL')
    await dying
    console.log(`killed in the middle: ${await left()} file`)
    server = await start(folder)
    const end = Date.now() + 60_000
    while ((await left()) > 0 && Date.now() < end) await new Promise((done) => setTimeout(done, 100))
    console.log(`started again: ${await left()} files`)
  } finally {
    if (server.child.exitCode === null) await stop(server, 'SIGTERM')
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
