import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAudioFile } from '../../src/audio/decode/file.ts'
import { standardLimits } from '../../src/audio/decode/index.ts'
import { readEdit } from '../../src/audio/decode/mp4.ts'
import { chunk, createFolder, decodeAll, ffmpeg, format, makeMusic, makeWav, riff } from './sounds.ts'

/** 180 for the figures of a whole song; the cost is the encoders'. */
const SECONDS = Number(process.env['AUDIO_TEST_SECONDS'] ?? 5) + 0.0279
const folder = createFolder()
const source = folder.at('source.wav')

beforeAll(async () => {
  await writeFile(source, makeWav(makeMusic(SECONDS)))
})
afterAll(() => folder.remove())

const encodings: [name: string, ...args: string[]][] = [
  ['wav8.wav', '-c:a', 'pcm_u8'],
  ['wav16.wav', '-c:a', 'pcm_s16le'],
  ['wav24.wav', '-c:a', 'pcm_s24le'],
  ['wav32.wav', '-c:a', 'pcm_s32le'],
  ['wav32f.wav', '-c:a', 'pcm_f32le'],
  ['wav64f.wav', '-c:a', 'pcm_f64le'],
  ['cbr.mp3', '-c:a', 'libmp3lame', '-b:a', '192k'],
  ['vbr.mp3', '-c:a', 'libmp3lame', '-q:a', '3'],
  ['flac16.flac', '-c:a', 'flac', '-sample_fmt', 's16'],
  ['flac24.flac', '-c:a', 'flac', '-sample_fmt', 's32', '-bits_per_raw_sample', '24'],
  ['vorbis.ogg', '-c:a', 'libvorbis', '-q:a', '5'],
  ['opus.opus', '-c:a', 'libopus', '-b:a', '128k'],
  ['aac.m4a', '-c:a', 'aac', '-b:a', '192k'],
  ['alac.m4a', '-c:a', 'alac'],
  ['adts.aac', '-c:a', 'aac', '-b:a', '192k'],
]

describe('decoding', () => {
  it.each(encodings)('[DEC-01] gives the samples that ffmpeg gives, and as many: %s', async (name, ...args) => {
    const path = folder.at(name)
    await ffmpeg('-i', source, ...args, path)
    const startedAt = process.cpuUsage()
    const { info, result, planes } = await decodeAll(path)
    const used = process.cpuUsage(startedAt)
    const bytes = await ffmpeg('-i', path, '-f', 'f32le', '-c:a', 'pcm_f32le', '-')
    const reference = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)

    expect(info.channels).toBe(2)
    expect(result).toMatchObject({ complete: true, problem: null })
    const frames = Math.round((SECONDS - 1e-9) * info.sampleRate)
    // ADTS has no place to say what the encoder added. Opus is counted at 48 kHz.
    if (name !== 'adts.aac') expect(Math.abs(result.frames - frames)).toBeLessThanOrEqual(name === 'opus.opus' ? 1 : 0)
    if (name !== 'adts.aac') expect(info.headerSeconds).toBeCloseTo(result.seconds, 9)
    // ffmpeg leaves AAC's last packet whole, as long as the container says otherwise.
    if (name !== 'aac.m4a') expect(result.frames).toBe(reference.length / 2)

    let sum = 0
    for (const [channel, plane] of planes.entries()) {
      for (const [index, value] of plane.entries()) sum += (value - reference[index * 2 + channel]!) ** 2
    }
    const error = Math.sqrt(sum / result.frames / 2)
    expect(error).toBeLessThan(1e-4)
    if (process.env['AUDIO_TEST_SECONDS']) {
      const speed = result.seconds / ((used.user + used.system) / 1e6)
      console.log(`${name}: error ${error.toExponential(1)}, ${speed.toFixed(0)} × real time`)
    }
  })

  it('[DEC-02] reads WAVE files as recorders really write them', async () => {
    const values = Float32Array.from({ length: 1_001 }, (_, index) => Math.fround(Math.sin(index / 20) * 0.9))
    const sixteen = Buffer.alloc(values.length * 2)
    for (const [index, value] of values.entries()) sixteen.writeInt16LE(Math.round(value * 32_767), index * 2)
    const mono = { tag: 1, channels: 1, sampleRate: 8_000, bits: 16 }
    const extensible = format({ ...mono, tag: 0xfffe, subTag: 1 })
    const odd = chunk('LIST', Buffer.from('odd'))
    const ds64 = Buffer.alloc(28)
    ds64.writeBigUInt64LE(BigInt(sixteen.length), 8)
    const cases: Record<string, Buffer> = {
      extensible: riff([extensible, chunk('data', sixteen)]),
      'odd chunks': riff([odd, format(mono), odd, chunk('data', sixteen), odd]),
      'no size': riff([format(mono), chunk('data', sixteen, 0)], 'RIFF', 0),
      'size of ones': riff([format(mono), chunk('data', sixteen, 0xffff_ffff)], 'RIFF', 0xffff_ffff),
      RF64: riff([chunk('ds64', ds64), format(mono), chunk('data', sixteen, 0xffff_ffff), odd], 'RF64', 0xffff_ffff),
      'size beyond the end': riff([format(mono), chunk('data', sixteen, sixteen.length * 2)]),
    }
    for (const [name, bytes] of Object.entries(cases)) {
      const path = folder.at('variant.wav')
      await writeFile(path, bytes)
      const { result, planes } = await decodeAll(path)
      expect([name, result.frames]).toEqual([name, values.length])
      expect([name, result.complete]).toEqual([name, name !== 'size beyond the end'])
      expect(Math.max(...planes[0]!.map((value, index) => Math.abs(value - values[index]!)))).toBeLessThan(1e-4)
    }
  })

  it('[DEC-03] gives silence for what is no number, and says so', async () => {
    const path = folder.at('strange.wav')
    await writeFile(path, makeWav([Float32Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY, -0.5)]))
    const { result, planes } = await decodeAll(path)
    expect([...planes[0]!]).toEqual([0.5, 0, 0, -0.5])
    expect(result).toMatchObject({ complete: false, problem: '2 samples are no numbers' })
  })

  it('[DEC-04] reads mono, six channels, tags in front, fragments, and streams behind each other', async () => {
    const cases: [name: string, channels: number, seconds: number, ...args: string[]][] = [
      ['mono.opus', 1, 2, '-ac', '1', '-c:a', 'libopus'],
      ['mono.ogg', 1, 2, '-ac', '1', '-c:a', 'libvorbis'],
      ['six.opus', 6, 2, '-ac', '6', '-c:a', 'libopus'],
      ['tagged.mp3', 1, 2, '-ac', '1', '-ar', '22050', '-c:a', 'libmp3lame', '-metadata', 'title=A title'],
      ['flac.oga', 2, 2, '-c:a', 'flac', '-f', 'ogg'],
      ['fragments.m4a', 2, 2, '-c:a', 'alac', '-movflags', 'frag_keyframe+empty_moov', '-frag_duration', '500000'],
    ]
    for (const [name, channels, seconds, ...args] of cases) {
      await ffmpeg('-i', source, '-t', `${seconds}`, ...args, folder.at(name))
      const { info, result } = await decodeAll(folder.at(name))
      expect([name, info.channels, result.seconds, result.problem]).toEqual([name, channels, seconds, null])
    }
    for (const name of ['mono.opus', 'mono.ogg']) {
      const one = await readFile(folder.at(name))
      await writeFile(folder.at('chain.ogg'), Buffer.concat([one, one, one]))
      const { result } = await decodeAll(folder.at('chain.ogg'))
      expect([name, result.seconds, result.problem]).toEqual([name, 6, null])
    }
  })

  it('[DEC-05] believes no length that is only guessed', async () => {
    const path = folder.at('guess.mp3')
    const quietFirst = "volume='if(lt(t,2.5),0,1)':eval=frame"
    await ffmpeg('-i', source, '-af', quietFirst, '-c:a', 'libmp3lame', '-q:a', '4', '-write_xing', '0', path)
    const { info, result } = await decodeAll(path)
    expect(info.headerSeconds).toBeNull()
    expect(result).toMatchObject({ complete: true, problem: null })
  })

  it('[DEC-06] finds in an edit list or in iTunSMPB what the encoder added', async () => {
    const u32 = (...values: number[]) =>
      Buffer.from(values.flatMap((v) => [v >>> 24, (v >> 16) & 255, (v >> 8) & 255, v & 255]))
    const box = (type: string, ...parts: Buffer[]) => {
      const body = Buffer.concat(parts)
      return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body])
    }
    const mdia = box(
      'mdia',
      box('mdhd', u32(0, 0, 0, 44_100, 0, 0)),
      box('hdlr', u32(0, 0), Buffer.from('soun'), u32(0)),
    )
    const mvhd = box('mvhd', u32(0, 0, 0, 1_000, 0, 0))
    const edts = box('edts', box('elst', u32(0, 1, 2_000, 1_024, 0x10000)))
    const text = ' 00000000 00000840 000001CA 0000000000015888 00000000'
    const data = box('data', u32(1, 0), Buffer.from(text))
    const item = box('----', box('mean', u32(0)), box('name', u32(0), Buffer.from('iTunSMPB')), data)
    const udta = box('udta', box('meta', u32(0), box('ilst', item)))
    const cases = [
      {
        moov: box('moov', mvhd, box('trak', edts, mdia), udta),
        expected: { leadSeconds: 1_024 / 44_100, seconds: 2.001 },
      },
      { moov: box('moov', mvhd, box('trak', mdia), udta), expected: { leadSeconds: 2_112 / 44_100, seconds: 2 } },
      { moov: box('moov', mvhd, box('trak', mdia)), expected: { leadSeconds: 0, seconds: null } },
    ]
    for (const { moov, expected } of cases) {
      await writeFile(folder.at('boxes.m4a'), Buffer.concat([box('ftyp', u32(0)), box('mdat', u32(1, 2, 3)), moov]))
      const file = openAudioFile(folder.at('boxes.m4a'), standardLimits)
      expect(readEdit(file, 0)).toEqual(expected)
      file.close()
    }
  })

  it('[DEC-07] stops at each limit, and when told to', async () => {
    const signal = AbortSignal.abort()
    await expect(decodeAll(source, { maxSeconds: 2 })).rejects.toMatchObject({ reason: 'too_long' })
    await expect(decodeAll(source, { maxSamples: 10_000 })).rejects.toMatchObject({ reason: 'too_long' })
    await expect(decodeAll(source, { timeMs: 0 })).rejects.toMatchObject({ reason: 'timeout' })
    await expect(decodeAll(source, { signal })).rejects.toMatchObject({ reason: 'cancelled' })
    await expect(decodeAll(folder.at('nowhere'))).rejects.toMatchObject({ reason: 'unreadable' })
  })
})
