/** `node --import tsx scripts/audio/clips.ts --out FOLDER [--clips 50] [--from 1]`: renders clips as WAV, with a manifest. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PITCH_NAMES } from '../../src/audio/features/key.ts'
import { CLIP_SECONDS, renderClip } from './clips/render.ts'
import { RATE } from './clips/synth.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    clips: { type: 'string', default: '50' },
    from: { type: 'string', default: '1' },
  },
})
if (values.out === undefined) throw new Error('--out FOLDER is missing')
const folder = values.out
await mkdir(folder, { recursive: true })

/** 16-bit mono PCM in RIFF. */
function encodeWav(samples: Float32Array): Buffer {
  const data = Buffer.alloc(44 + samples.length * 2)
  data.write('RIFF', 0)
  data.writeUInt32LE(36 + samples.length * 2, 4)
  data.write('WAVEfmt ', 8)
  data.writeUInt32LE(16, 16)
  data.writeUInt16LE(1, 20)
  data.writeUInt16LE(1, 22)
  data.writeUInt32LE(RATE, 24)
  data.writeUInt32LE(RATE * 2, 28)
  data.writeUInt16LE(2, 32)
  data.writeUInt16LE(16, 34)
  data.write('data', 36)
  data.writeUInt32LE(samples.length * 2, 40)
  for (let i = 0; i < samples.length; i++) data.writeInt16LE(Math.round(samples[i]! * 32_767), 44 + i * 2)
  return data
}

const manifest: object[] = []
for (let seed = Number(values.from); seed < Number(values.from) + Number(values.clips); seed++) {
  const { piece, samples } = renderClip(seed)
  const { category, style, bpm, tonic, mode, meter } = piece
  const file = `${String(seed).padStart(5, '0')}_${category}.wav`
  await writeFile(join(folder, file), encodeWav(samples))
  const key = tonic === null ? null : PITCH_NAMES[tonic]
  manifest.push({ file, category, style, duration: CLIP_SECONDS, bpm, key, mode, meter })
}
await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`)
process.stdout.write(`${manifest.length} clips in ${folder}\n`)
