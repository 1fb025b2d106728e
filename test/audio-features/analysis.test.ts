import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeMetrics } from '../../scripts/docs/metrics.ts'
import { replaceSection } from '../../scripts/docs/sections.ts'
import { analyse, MODEL_VERSION } from '../../src/audio/analyse.ts'
import { standardLimits } from '../../src/audio/decode/index.ts'
import { calibrate } from '../../src/audio/features/calibration.ts'
import { describeSound } from '../../src/audio/features/describe.ts'
import { FeatureExtractor } from '../../src/audio/features/extractor.ts'
import { METRICS } from '../../src/audio/metrics.ts'
import { makeWav } from '../audio-decode/sounds.ts'
import { chords, clickTrack, extract } from './signals.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ears-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('[EAR-60] a file is analysed as its samples are, in order of progress, and the result is plain JSON', async () => {
  const rate = 44_100
  const left = clickTrack(rate, 120, 12)
  const tonal = chords(
    rate,
    [
      [57, 60, 64],
      [53, 57, 60],
      [50, 53, 57],
      [52, 56, 59],
      [57, 60, 64],
      [57, 60, 64],
    ],
    2,
  )
  const right = left.map((v, i) => v + tonal[i]!)
  const path = join(folder, 'song.wav')
  await writeFile(path, makeWav([left, right], rate))
  const told: number[] = []
  const output = await analyse(path, { limits: standardLimits, onProgress: (_, percent) => told.push(percent) })
  const { waveform, tags, ...rest } = output
  expect(rest).toMatchObject(JSON.parse(JSON.stringify(describeSound(extract(rate, [left, right])))))
  expect(JSON.parse(JSON.stringify(rest))).toEqual(rest)
  expect(rest).toMatchObject({ modelVersion: MODEL_VERSION, complete: true, problem: null, seconds: 12, channels: 2 })
  expect(rest.key!.name).toBe('Am')
  expect(Math.abs(rest.tempo!.bpm - 120)).toBeLessThan(1.2)
  expect(told).toEqual([...told].sort((a, b) => a - b))
  expect(told[told.length - 1]).toBe(100)
})

test('[EAR-61] every metric is a number for a song; silence has those that it can have', () => {
  const song = clickTrack(22_050, 100, 20).map((v, i) => v + 0.1 * Math.sin(i * 0.06) * (i < 200_000 ? 1 : 0.3))
  const reading = describeSound(extract(22_050, [song]))
  for (const metric of METRICS) expect(metric.compute(reading), metric.name).toEqual(expect.any(Number))
  const silence = describeSound(extract(22_050, [new Float32Array(22_050 * 5)]))
  for (const metric of METRICS) {
    const value = metric.compute(silence)
    expect(value === null || Number.isFinite(value), metric.name).toBe(true)
  }
  expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length)
  expect(METRICS.map(({ name }) => name)).toEqual(expect.arrayContaining(['Dynamics Quotient', 'MAD Divergence']))
})

test('[EAR-62] docs/metrics.md has the table of the metrics as they are', async () => {
  const text = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  expect(replaceSection(text, 'metrics', describeMetrics())).toBe(text)
})

test('[EAR-63] Dynamics Quotient and MAD Divergence: 0 and 0 of a level tone, more where loudness varies', () => {
  const rate = 22_050
  const tone = (level: (second: number) => number) =>
    Float32Array.from({ length: rate * 40 }, (_, i) => level(i / rate) * Math.sin(i * 0.3))
  const { loudness: level } = describeSound(extract(rate, [tone(() => 0.3)]))
  expect(level.dynamicsQuotient).toBeCloseTo(0, 2)
  expect(level.madDivergence).toBeCloseTo(0, 2)
  const { loudness: swaying } = describeSound(extract(rate, [tone((s) => 0.3 * 10 ** (0.4 * Math.sin(s / 4)))]))
  expect(swaying.dynamicsQuotient!).toBeGreaterThan(0.2)
  const { loudness: outburst } = describeSound(extract(rate, [tone((s) => (s > 35 ? 0.9 : 0.1))]))
  expect(outburst.madDivergence!).toBeGreaterThan(1)
})

test('[EAR-64] calibration is monotone, exact at its knots, and level beyond them', () => {
  const knots: [number, number][] = [
    [0.3, 0.4],
    [0.6, 0.55],
    [0.9, 0.95],
  ]
  expect([0, 0.3, 0.45, 0.6, 0.9, 1].map((p) => Math.round(calibrate(p, knots) * 1e6) / 1e6)).toEqual([
    0.4, 0.4, 0.475, 0.55, 0.95, 0.95,
  ])
  expect(calibrate(0.7, [])).toBe(0.7)
})

test('[EAR-65] an hour of sound takes less than 120 MB', { timeout: 400_000 }, () => {
  const rate = 22_050
  const bar = clickTrack(rate, 120, 10).map((v, i) => v + 0.1 * Math.sin(i * 0.06))
  const extractor = new FeatureExtractor(rate, 1)
  globalThis.gc?.()
  const before = process.memoryUsage()
  let peak = 0
  for (let i = 0; i < 360; i++) {
    extractor.push([bar], bar.length)
    if (i % 30 === 0) peak = Math.max(peak, held() - size(before))
  }
  const features = extractor.finish()
  peak = Math.max(peak, held() - size(before))
  expect(features.seconds).toBe(3600)
  expect(Math.abs(features.tempo!.bpm - 120)).toBeLessThan(1.2)
  expect(JSON.stringify(describeSound(features)).length).toBeLessThan(500_000)
  expect(peak / 2 ** 20).toBeLessThan(120)

  function size({ heapUsed, arrayBuffers }: NodeJS.MemoryUsage): number {
    return heapUsed + arrayBuffers
  }
  function held(): number {
    globalThis.gc?.()
    return size(process.memoryUsage())
  }
})
