/** `node --import tsx scripts/audio/clips.ts --out FOLDER [--clips 50] [--from 1]`: renders clips as WAV, with a manifest. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PITCH_NAMES } from '../../src/audio/features/key.ts'
import { encodeWave } from '../shared/wave.ts'
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

const manifest: object[] = []
for (let seed = Number(values.from); seed < Number(values.from) + Number(values.clips); seed++) {
  const { piece, samples } = renderClip(seed)
  const { category, style, bpm, tonic, mode, meter } = piece
  const file = `${String(seed).padStart(5, '0')}_${category}.wav`
  await writeFile(join(folder, file), encodeWave([samples], RATE))
  const key = tonic === null ? null : PITCH_NAMES[tonic]
  manifest.push({ file, category, style, duration: CLIP_SECONDS, bpm, key, mode, meter })
}
await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`)
process.stdout.write(`${manifest.length} clips in ${folder}\n`)
