/**
 * `node --import tsx scripts/audio/memory.ts [mp3 flac …]`: the most that a worker process holds of an hour of music in each
 * format. Needs ffmpeg, and `npm start` once before, which bundles the worker.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { getPriority, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { standardLimits } from '../../src/audio/decode/index.ts'
import type { WorkerMessage, WorkerTask } from '../../src/audio/workers/messages.ts'
import { complaint, runProgram } from '../../src/infra/subprocess.ts'
import { ensureFfmpeg } from '../find-tools.ts'
import { renderWave } from './clips/wave.ts'

const encodings: Record<string, string[]> = {
  wav: ['-c:a', 'pcm_s16le'],
  mp3: ['-c:a', 'libmp3lame', '-b:a', '192k'],
  flac: ['-c:a', 'flac', '-compression_level', '0'],
  ogg: ['-c:a', 'libvorbis', '-q:a', '5'],
  opus: ['-c:a', 'libopus', '-b:a', '96k', '-compression_level', '0'],
  m4a: ['-c:a', 'aac', '-b:a', '128k'],
}
const MIB = 2 ** 20
const GOAL_MIB = 300
const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : Object.keys(encodings)
const folder = await mkdtemp(join(tmpdir(), 'phantom-power-memory-'))
const ffmpeg = await ensureFfmpeg()

async function encode(...args: string[]): Promise<void> {
  const run = await runProgram(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args], { timeoutMs: 10 * 60_000 })
  if (run.code !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${complaint(run)}`)
}

/** The high-water mark of a fresh worker's resident memory, in bytes, after it analysed a file. */
async function measure(path: string): Promise<{ bytes: number; seconds: number; took: number }> {
  const worker = fork(join(import.meta.dirname, '..', '..', 'dist', 'audio-worker.mjs'), [], {
    execArgv: ['--max-old-space-size=192'],
    serialization: 'advanced',
  })
  try {
    await once(worker, 'message')
    // It gives way to all others, which only takes time here.
    for (const thread of await readdir(`/proc/${worker.pid}/task`)) setPriority(Number(thread), getPriority())
    const began = performance.now()
    const task: WorkerTask = { id: 1, path, limits: { ...standardLimits, timeMs: 30 * 60_000 } }
    worker.send(task)
    for (;;) {
      const [message] = (await once(worker, 'message')) as [WorkerMessage]
      if (message.kind === 'failed') throw new Error(`${message.reason}: ${message.message}`)
      if (message.kind !== 'done') continue
      const status = await readFile(`/proc/${worker.pid}/status`, 'utf8')
      const bytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024
      return { bytes, seconds: message.output.seconds, took: (performance.now() - began) / 1000 }
    }
  } finally {
    worker.kill('SIGKILL')
  }
}

try {
  const song = join(folder, 'song.wav')
  await writeFile(song, renderWave(60))
  process.stdout.write('| an hour of | most resident, MiB | took s |\n|---|---:|---:|\n')
  for (const name of names) {
    const minute = join(folder, `minute.${name}`)
    const hour = join(folder, `hour.${name}`)
    await encode('-i', song, ...(encodings[name] ?? []), minute)
    await encode('-stream_loop', '59', '-i', minute, '-c', 'copy', hour)
    const { bytes, seconds, took } = await measure(hour)
    process.stdout.write(`| ${name} | ${(bytes / MIB).toFixed(0)} | ${took.toFixed(0)} |\n`)
    if (Math.abs(seconds - 3_600) > 10) throw new Error(`${name}: ${seconds} s of sound were heard`)
    if (bytes > GOAL_MIB * MIB) process.exitCode = 1
    await rm(hour)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
