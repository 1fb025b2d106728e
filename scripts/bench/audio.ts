/**
 * `npm run bench:audio -- --clips FOLDER [--predictions OUT.json]`: analyses every audio file of a folder, one after
 * another, and prints how fast each stage is; where the folder has a manifest.json, how right the results are.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { analyse } from '../../src/audio/analyse.ts'
import { standardLimits } from '../../src/audio/decode/index.ts'
import { type Prediction, scoreAll } from '../audio/score.ts'

const EXTENSIONS = new Set(['.ogg', '.oga', '.opus', '.mp3', '.wav', '.flac', '.m4a', '.mp4', '.aac'])

const { values } = parseArgs({
  options: { clips: { type: 'string' }, predictions: { type: 'string' }, help: { type: 'boolean' } },
})
if (values.help || values.clips === undefined) {
  process.stdout.write('npm run bench:audio -- --clips FOLDER [--predictions OUT.json]\n')
  process.exit(values.help ? 0 : 1)
}
const folder = values.clips

/** Milliseconds of CPU that this process took: what one core would need, whatever else runs beside it. */
const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const files = (await readdir(folder)).filter((file) => EXTENSIONS.has(extname(file).toLowerCase())).sort()
if (files.length === 0) throw new Error(`no audio file in ${folder}`)
const predictions: Prediction[] = []
const spent = new Map<string, number>()
const add = (stage: string, ms: number) => spent.set(stage, (spent.get(stage) ?? 0) + ms)
let seconds = 0
let whole = 0
const startedAt = performance.now()
for (const [index, file] of files.entries()) {
  const before = cpu()
  let stages = 0
  const output = await analyse(join(folder, file), {
    limits: standardLimits,
    onProgress: () => {},
    profile: {
      // Asking for CPU time takes longer than some stages do.
      clock: () => performance.now(),
      onSpent: (each) => {
        for (const [stage, ms] of Object.entries(each)) {
          // The first file warms the compiler up.
          if (index > 0) add(stage, ms)
          stages += ms
        }
      },
    },
  })
  const took = cpu() - before
  if (index > 0) {
    add('decode and the rest', Math.max(0, took - stages))
    seconds += output.seconds
    whole += took
  }
  predictions.push({
    file,
    bpm: output.tempo?.bpm ?? 0,
    key: output.key?.tonic ?? null,
    mode: output.key?.mode ?? null,
    confidence: output.confidence,
    duration: output.seconds,
  })
}
const wall = performance.now() - startedAt
if (values.predictions) await writeFile(values.predictions, `${JSON.stringify(predictions, null, 1)}\n`)

const lines = [
  `${files.length} files, ${seconds.toFixed(0)} s of sound, ${(wall / 1000).toFixed(1)} s by the clock; stages by the clock, the whole by CPU time`,
]
lines.push('', '| stage | ms per s of sound | × real time |', '|---|---:|---:|')
for (const [stage, ms] of [...spent, ['whole', whole] as const]) {
  lines.push(`| ${stage} | ${(ms / seconds).toFixed(2)} | ${Math.round((1000 * seconds) / Math.max(0.001, ms))} |`)
}
const manifest = await readFile(join(folder, 'manifest.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return null
  throw error
})
if (manifest !== null) {
  lines.push('', '| category | clips | Acc1 | Acc2 | with key | key | MIREX |', '|---|---:|---:|---:|---:|---:|---:|')
  const percent = (part: number) => (100 * part).toFixed(1)
  for (const [category, row] of scoreAll(JSON.parse(manifest), predictions)) {
    const parts = [row.clips, percent(row.acc1), percent(row.acc2), row.keyed, percent(row.key), percent(row.mirex)]
    lines.push(`| ${category} | ${parts.join(' | ')} |`)
  }
}
process.stdout.write(`${lines.join('\n')}\n`)
