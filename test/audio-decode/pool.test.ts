import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../scripts/bundle.mjs'
import type { AnalysisPool, AnalysisPoolOptions } from '../../src/audio/workers/analysis.ts'
import { createAnalysisPool } from '../../src/audio/workers/pool.ts'
import { createFolder, ffmpeg, makeMusic, makeWav } from './sounds.ts'

const folder = createFolder()
const song = folder.at('song.wav')
const badWorker = fileURLToPath(new URL('./bad-worker.ts', import.meta.url))
const pools: AnalysisPool[] = []

function open(options: Partial<AnalysisPoolOptions> = {}): AnalysisPool {
  const pool = createAnalysisPool({ size: 1, ...options })
  pools.push(pool)
  return pool
}

/** The workers of this process, which other suites may give other children. */
function workers(): number[] {
  const list = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim()
  return list
    .split(' ')
    .filter((pid) => pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker'))
    .map(Number)
}

beforeAll(() => writeFile(song, makeWav(makeMusic(20))))
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close()
})
afterAll(() => folder.remove())

// Workers give way to everything else on a machine, so they may take their time.
describe('the analysis pool', { timeout: 400_000 }, () => {
  it('[DEC-08] analyses in processes of lower priority, and tells of it at most 10 times a second', async () => {
    const pool = open({ size: 2 })
    const told: number[] = []
    let priorities: number[] = []
    const onProgress = () => {
      told.push(performance.now())
      if (process.platform === 'linux') priorities = workers().map((pid) => os.getPriority(pid))
    }
    const outputs = await Promise.all([pool.analyse(song, { onProgress }), pool.analyse(song), pool.analyse(song)])
    for (const output of outputs) expect(output).toMatchObject({ codec: 'pcm_f32', complete: true, seconds: 20 })
    expect(told.length).toBeGreaterThan(0)
    // The worker keeps 100 ms; what it tells may wait on the way and then come closer together.
    expect(told.length).toBeLessThanOrEqual((told.at(-1)! - told[0]!) / 100 + 3)
    if (process.platform === 'linux') expect(Math.min(...priorities)).toBeGreaterThanOrEqual(10)
  })

  it('[DEC-09] ends a worker that hangs, hoards or dies, and goes on with the next file', async () => {
    const pool = open({ worker: badWorker, timeLimitMs: 500, memoryLimitBytes: 400 * 2 ** 20 })
    await expect(pool.analyse('loop')).rejects.toMatchObject({ reason: 'timeout' })
    await expect(pool.analyse('exit')).rejects.toMatchObject({ reason: 'broken', message: /exit code 3/ })
    expect((await pool.analyse('answer')).seconds).toBeGreaterThan(0)
    const roomy = open({ worker: badWorker, memoryLimitBytes: 400 * 2 ** 20 })
    if (process.platform === 'linux') await expect(roomy.analyse('hoard')).rejects.toMatchObject({ reason: 'memory' })
    expect((await roomy.analyse('answer')).seconds).toBeGreaterThan(0)
  })

  it('[DEC-17] holds the processor’s time against a worker, and not that it had to wait for it', async () => {
    const pool = open({ worker: badWorker, timeLimitMs: 500 })
    // Its limit and the second on top are long over when it answers.
    expect((await pool.analyse('wait')).seconds).toBeGreaterThan(0)
    await expect(pool.analyse('loop')).rejects.toMatchObject({ reason: 'timeout' })
  })

  it('[DEC-10] cancels what runs and what waits, takes only so many, and rejects all when it closes', async () => {
    const pool = open({ worker: badWorker, maxQueue: 2 })
    const [first, second] = [new AbortController(), new AbortController()]
    const running = pool.analyse('loop', { signal: first.signal })
    const waiting = pool.analyse('loop', { signal: second.signal })
    const answer = pool.analyse('answer')
    await expect(pool.analyse('answer')).rejects.toMatchObject({ reason: 'busy' })
    expect(pool.load()).toEqual({ running: 1, waiting: 2 })
    second.abort()
    await expect(waiting).rejects.toMatchObject({ reason: 'cancelled' })
    first.abort()
    await expect(running).rejects.toMatchObject({ reason: 'cancelled' })
    expect((await answer).seconds).toBeGreaterThan(0)
    const last = pool.analyse('loop')
    const closing = pool.close()
    await expect(last).rejects.toMatchObject({ reason: 'closed' })
    await closing
    await expect(pool.analyse('answer')).rejects.toMatchObject({ reason: 'closed' })
    expect(pool.load()).toEqual({ running: 0, waiting: 0 })
  })

  it('[DEC-11] keeps a worker for the next file, and ends it when there is none', async () => {
    const pool = open({ worker: badWorker, idleMs: 200 })
    const pid = (await pool.analyse('answer')).seconds
    expect((await pool.analyse('answer')).seconds).toBe(pid)
    await expect.poll(() => workers().includes(pid)).toBe(false)
    expect((await pool.analyse('answer')).seconds).not.toBe(pid)
  })

  it('[DEC-12] works from the bundle that npm start makes', async () => {
    const dist = join(dirname(dirname(import.meta.dirname)), 'dist', `test-${process.pid}`)
    const flac = folder.at('song.flac')
    await ffmpeg('-i', song, '-t', '2', flac)
    try {
      await bundle(dist, { 'audio-worker': 'src/audio/workers/worker.ts', pool: 'src/audio/workers/pool.ts' })
      const script = `
        const { createAnalysisPool } = await import(${JSON.stringify(join(dist, 'pool.mjs'))})
        const pool = createAnalysisPool({ size: 1 })
        console.log((await pool.analyse(${JSON.stringify(flac)})).seconds)
        await pool.close()`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
      expect(stdout.trim()).toBe('2')
    } finally {
      await rm(dist, { recursive: true, force: true })
    }
  })
})
