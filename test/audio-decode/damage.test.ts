import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDecoder, standardLimits } from '../../src/audio/decode/index.ts'
import { createAnalysisPool } from '../../src/audio/workers/pool.ts'
import { createFolder, createNoise, decodeAll, ffmpeg, makeMusic, makeWav } from './sounds.ts'

const SECONDS = 4
const folder = createFolder()
const log: string[] = []
const pool = createAnalysisPool({ size: 1, timeLimitMs: 60_000, maxSeconds: 90, onLog: (line) => log.push(line) })

const encodings: Record<string, string[]> = {
  'a.wav': ['-c:a', 'pcm_s16le'],
  'a.mp3': ['-c:a', 'libmp3lame', '-b:a', '128k'],
  'a.flac': ['-c:a', 'flac'],
  'a.ogg': ['-c:a', 'libvorbis'],
  'a.opus': ['-c:a', 'libopus'],
  'a.m4a': ['-c:a', 'aac'],
  'alac.m4a': ['-c:a', 'alac'],
  'a.aac': ['-c:a', 'aac'],
}

beforeAll(async () => {
  await writeFile(folder.at('source.wav'), makeWav(makeMusic(SECONDS)))
  for (const [name, args] of Object.entries(encodings)) {
    await ffmpeg('-i', folder.at('source.wav'), ...args, folder.at(name))
  }
})
afterAll(async () => {
  await pool.close()
  await folder.remove()
})

type Damage = (whole: Buffer, noise: () => number) => Buffer

function junk(length: number, noise: () => number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor((noise() + 1) * 128) & 255))
}

const damages: Record<string, Damage> = {
  'cut after 40 bytes': (whole) => whole.subarray(0, 40),
  'cut in half': (whole) => whole.subarray(0, whole.length >> 1),
  'cut before the last tenth': (whole) => whole.subarray(0, Math.floor(whole.length * 0.9)),
  'junk after the header': (whole, noise) => Buffer.concat([whole.subarray(0, 400), junk(50_000, noise)]),
  'a tenth of it junk': (whole, noise) => {
    const bytes = Buffer.from(whole)
    junk(Math.floor(whole.length / 10), noise).copy(bytes, Math.floor(whole.length * 0.6))
    return bytes
  },
  '500 bits turned': (whole, noise) => {
    const bytes = Buffer.from(whole)
    for (let count = 0; count < 500; count++) {
      const at = Math.floor(((noise() + 1) / 2) * bytes.length)
      bytes[at]! ^= 1 << (count % 8)
    }
    return bytes
  },
  'a header of turned bits': (whole, noise) => {
    const bytes = Buffer.from(whole)
    for (let count = 0; count < 40; count++) bytes[Math.floor(((noise() + 1) / 2) * 400)]! ^= 1 << (count % 8)
    return bytes
  },
}

/** Where the format has no checksum, and no length, that would show it. */
function mayPass(name: string, kind: string): boolean {
  if (name === 'a.wav') return kind === 'a tenth of it junk' || kind.endsWith('turned') || kind.includes('header')
  if (name === 'a.aac') return true
  return (name.endsWith('.m4a') || name === 'a.mp3') && (kind === '500 bits turned' || kind.startsWith('a '))
}

// The worker gives way to everything else on a machine, so it may take its time.
describe('damaged files', { timeout: 400_000 }, () => {
  it('[DEC-13] gives a reason or a marked part of 60 damaged files, in one process that lives on', async () => {
    const noise = createNoise(7)
    const bodies: [name: string, kind: string, bytes: Buffer][] = [
      ['empty', 'empty', Buffer.alloc(0)],
      ['junk', 'junk', junk(100_000, noise)],
      ['zeros', 'zeros', Buffer.alloc(100_000)],
      ['text', 'text', Buffer.from('no sound at all, '.repeat(5_000))],
    ]
    for (const name of Object.keys(encodings)) {
      const whole = await readFile(folder.at(name))
      for (const [kind, damage] of Object.entries(damages)) bodies.push([name, kind, damage(whole, noise)])
    }
    expect(bodies.length).toBeGreaterThanOrEqual(60)
    const passed: string[] = []
    let partial = 0
    let refused = 0
    for (const [name, kind, bytes] of bodies) {
      const path = folder.at(`damaged-${name}`)
      await writeFile(path, bytes)
      try {
        const output = await pool.analyse(path)
        expect(output.seconds).toBeGreaterThan(0)
        if (output.complete) passed.push(`${name}: ${kind}`)
        else {
          expect(output.problem).toMatch(/./)
          partial++
        }
      } catch (error) {
        expect([name, kind, error]).toEqual([name, kind, expect.objectContaining({ name: 'AnalysisError' })])
        // Neither a crash nor a hang: the decoder has said what is wrong.
        const { reason } = error as { reason: string }
        expect([
          name,
          kind,
          ['empty', 'unsupported', 'malformed', 'no_audio', 'too_long', 'memory'].includes(reason) || reason,
        ]).toEqual([name, kind, true])
        refused++
      }
    }
    console.log(`${refused} refused, ${partial} partial, taken for whole: ${passed.join(', ') || 'none'}`)
    for (const entry of passed) {
      const [name, kind] = entry.split(': ') as [string, string]
      expect([entry, mayPass(name, kind)]).toEqual([entry, true])
    }
    // All in the same process, which told of nothing unexpected.
    expect(log.filter((line) => !line.startsWith('the priority'))).toEqual([])
    expect((await pool.analyse(folder.at('a.flac'))).complete).toBe(true)
  })

  it('[DEC-14] tells how much of a file that was cut is there', async () => {
    for (const name of ['a.wav', 'a.mp3', 'a.flac', 'a.ogg', 'a.opus']) {
      const whole = await readFile(folder.at(name))
      await writeFile(folder.at('cut'), whole.subarray(0, whole.length >> 1))
      const { result } = await decodeAll(folder.at('cut'))
      expect([name, result.complete]).toEqual([name, false])
      expect(result.seconds).toBeGreaterThan(SECONDS * 0.2)
      expect(result.seconds).toBeLessThan(SECONDS * 0.8)
    }
  })

  it('[DEC-15] does not go through with an hour of silence in a small file beyond its limit, in any format', async () => {
    const silence = ['-f', 'lavfi', '-i', 'anullsrc=r=8000:cl=mono']
    await ffmpeg(...silence, '-t', '3600', '-c:a', 'flac', folder.at('bomb.flac'))
    await ffmpeg(...silence, '-t', '3600', '-c:a', 'alac', folder.at('bomb.m4a'))
    const minute: Record<string, string[]> = {
      'bomb.ogg': ['-c:a', 'libvorbis'],
      'bomb.opus': ['-c:a', 'libopus', '-b:a', '6k'],
      'bomb.mp3': ['-c:a', 'libmp3lame', '-b:a', '8k', '-write_xing', '0', '-id3v2_version', '0'],
      'bomb.aac': ['-c:a', 'aac', '-b:a', '8k'],
    }
    for (const [name, args] of Object.entries(minute)) {
      await ffmpeg(...silence, '-t', '60', ...args, folder.at(name))
      const one = await readFile(folder.at(name))
      await writeFile(folder.at(name), Buffer.concat(Array.from({ length: 60 }, () => one)))
    }
    for (const name of ['bomb.flac', 'bomb.m4a', ...Object.keys(minute)]) {
      const reason = await pool.analyse(folder.at(name)).then(
        (output) => `${output.seconds} s`,
        (error) => error.reason,
      )
      expect([name, reason]).toEqual([name, 'too_long'])
    }
  })

  it('[DEC-16] goes through an hour of silence within the memory of a chunk', async () => {
    const before = process.memoryUsage().rss
    let most = 0
    const decoder = await openDecoder(folder.at('bomb.flac'), standardLimits)
    for await (const chunk of decoder.chunks()) {
      expect(chunk.channels[0]!.length).toBeLessThan(100_000)
      most = Math.max(most, process.memoryUsage().rss)
    }
    expect(decoder.result()).toMatchObject({ seconds: 3_600, complete: true })
    await decoder.close()
    // The sound is 115 MB of samples.
    expect(most - before).toBeLessThan(60 * 2 ** 20)
  })
})
