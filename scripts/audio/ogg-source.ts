import { readFile } from 'node:fs/promises'
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import type { PcmSource } from '../../src/audio/types.ts'

/** An Ogg Vorbis file decoded at once: for clips of seconds. */
export async function openOgg(path: string): Promise<PcmSource> {
  const decoder = new OggVorbisDecoder()
  await decoder.ready
  const { channelData, samplesDecoded, sampleRate, errors } = await decoder.decodeFile(
    new Uint8Array(await readFile(path)),
  )
  decoder.free()
  const seconds = samplesDecoded / sampleRate
  return {
    info: { container: 'ogg', codec: 'vorbis', sampleRate, channels: channelData.length, headerSeconds: seconds },
    async *chunks() {
      yield { channels: channelData, frames: samplesDecoded }
    },
    result: () => ({
      frames: samplesDecoded,
      seconds,
      complete: errors.length === 0,
      problem: errors[0]?.message ?? null,
    }),
    close: async () => {},
  }
}
