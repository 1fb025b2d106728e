/**
 * Fits the weights and confidences of tempo and key to rendered clips and writes src/audio/features/model.ts:
 * `node --import tsx scripts/audio/train.ts [--clips 1000] [--from 1000] [--cache FOLDER] [--dry]`. What it prints is
 * cross-validated: each clip is judged by a model that was fitted without it.
 */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { calibrate } from '../../src/audio/features/calibration.ts'
import { type KeyModel, PITCH_NAMES, scoreKeys } from '../../src/audio/features/key.ts'
import { correlateProfile, describeKeyAt, KEY_FEATURES } from '../../src/audio/features/key-evidence.ts'
import { scoreTempo, type TempoModel } from '../../src/audio/features/tempo.ts'
import { fitCalibration, type Outcome, tabulate } from './calibrate.ts'
import { type Choice, fitChoices } from './choice.ts'
import { type ClipEvidence, collectEvidence } from './clip-evidence.ts'
import { isTempoRight, scoreKey } from './score.ts'

const { values } = parseArgs({
  options: {
    clips: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1000' },
    cache: { type: 'string' },
    dry: { type: 'boolean', default: false },
  },
})

const FOLDS = 4
const PROFILE_TRUST = 15
/** Styles whose beat is written in two ways teach nothing of tempo, and are not judged by it. */
const TWOFOLD = new Set(['trap', 'sixEight'])
const hasTempo = (clip: ClipEvidence) => !TWOFOLD.has(clip.style)

function fitTempo(clips: ClipEvidence[]): TempoModel {
  const choices: Choice[] = clips.filter(hasTempo).map(({ candidates, bpm }) => ({
    options: candidates.map((candidate) => ({
      features: candidate.features,
      offset: candidate.preference,
      right: isTempoRight(candidate.bpm, bpm),
    })),
  }))
  const { weights, scale, trust } = fitChoices(choices, { l2: 0.003, steps: 300 })
  return { weights: weights.map((weight, i) => weight / scale[i]!), trust, calibration: [] }
}

function fitKey(clips: ClipEvidence[]): KeyModel {
  const nothing = new Array<number>(KEY_FEATURES).fill(0)
  const choices: Choice[] = clips.flatMap(({ key, tonic, mode }) => {
    if (!key || tonic === null) return []
    const options = PITCH_NAMES.flatMap((_, at) => {
      const features = [...describeKeyAt(key, at)].map((value) => 10 * value)
      return (['major', 'minor'] as const).map((each) => ({
        features: each === 'major' ? [...features, ...nothing, 1] : [...nothing, ...features, 0],
        offset: PROFILE_TRUST * correlateProfile(key, at, each),
        right: at === tonic && each === mode,
      }))
    })
    return [{ options }]
  })
  const { weights, trust } = fitChoices(choices, { l2: 0.001, steps: 200, rate: 0.05, standardise: false })
  return {
    major: weights.slice(0, KEY_FEATURES).map((weight) => 10 * weight),
    minor: weights.slice(KEY_FEATURES, 2 * KEY_FEATURES).map((weight) => 10 * weight),
    bias: weights[2 * KEY_FEATURES]!,
    trust: PROFILE_TRUST * trust,
    calibration: [],
  }
}

function likeliest<T>(options: T[], score: (option: T) => number): { best: T; probability: number } {
  const scores = options.map(score)
  const top = Math.max(...scores)
  const total = scores.reduce((sum, value) => sum + Math.exp(value - top), 0)
  return { best: options[scores.indexOf(top)]!, probability: 1 / total }
}

const judgeTempo = (clip: ClipEvidence, model: TempoModel) => {
  if (!hasTempo(clip)) return null
  if (clip.candidates.length === 0) return { probability: 0, right: false, octave: false }
  const { best, probability } = likeliest(clip.candidates, (candidate) => scoreTempo(candidate, model))
  const octave = isTempoRight(best.bpm, clip.bpm, [1, 2, 3, 1 / 2, 1 / 3])
  return { probability, right: isTempoRight(best.bpm, clip.bpm), octave }
}

const judgeKey = (clip: ClipEvidence, model: KeyModel) => {
  if (!clip.key || clip.tonic === null || clip.mode === null) return null
  const { best, probability } = likeliest(scoreKeys(clip.key, model), ({ score }) => score)
  const truth = { key: PITCH_NAMES[clip.tonic]!, mode: clip.mode }
  const value = scoreKey(truth, { key: PITCH_NAMES[best.tonic]!, mode: best.mode })
  return { probability, right: value === 1, value }
}

const count = Number(values.clips)
const first = Number(values.from)
const clips: ClipEvidence[] = []
for (let seed = first; seed < first + count; seed++) {
  clips.push(await collectEvidence(seed, values.cache ?? null))
  if (clips.length % 100 === 0) process.stderr.write(`${clips.length} of ${count} clips\n`)
}

const without = (fold: number) => clips.filter((_, i) => i % FOLDS !== fold)
const tempoFolds = Array.from({ length: FOLDS }, (_, fold) => fitTempo(without(fold)))
const keyFolds = Array.from({ length: FOLDS }, (_, fold) => fitKey(without(fold)))
const tempi = clips.map((clip, i) => judgeTempo(clip, tempoFolds[i % FOLDS]!))
const keys = clips.map((clip, i) => judgeKey(clip, keyFolds[i % FOLDS]!))

const percent = (part: number, whole: number) => (whole > 0 ? ((100 * part) / whole).toFixed(1) : '–')
process.stdout.write(
  '| category | clips | Acc1 | Acc2 | with key | key | MIREX |\n|---|---:|---:|---:|---:|---:|---:|\n',
)
for (const category of ['all', ...new Set(clips.map((clip) => clip.category))]) {
  const members = clips.flatMap((clip, i) => (category === 'all' || clip.category === category ? [i] : []))
  const timed = members.flatMap((i) => tempi[i] ?? [])
  const keyed = members.flatMap((i) => keys[i] ?? [])
  const parts = [
    timed.length,
    percent(timed.filter(({ right }) => right).length, timed.length),
    percent(timed.filter(({ octave }) => octave).length, timed.length),
    keyed.length,
    percent(keyed.filter(({ right }) => right).length, keyed.length),
    percent(
      keyed.reduce((sum, { value }) => sum + value, 0),
      keyed.length,
    ),
  ]
  process.stdout.write(`| ${category} | ${parts.join(' | ')} |\n`)
}

/** Each fold's confidences by a map that was fitted to the other folds. */
function checkCalibration(name: string, outcomes: (Outcome | null)[]): void {
  const calibrated = outcomes.flatMap((outcome, i) => {
    if (!outcome) return []
    const others = outcomes.flatMap((other, j) => (other && j % FOLDS !== i % FOLDS ? other : []))
    return {
      probability: calibrate(outcome.probability, maps[i % FOLDS] ?? fitted(i % FOLDS, others)),
      right: outcome.right,
    }
  })
  maps.length = 0
  process.stdout.write(`\n| ${name}: confidence | results | mean | right |\n|---|---:|---:|---:|\n`)
  for (const { from, to, count: members, mean, right } of tabulate(calibrated)) {
    process.stdout.write(`| ${from} to ${to} | ${members} | ${mean.toFixed(2)} | ${right.toFixed(2)} |\n`)
  }
}
const maps: [number, number][][] = []
function fitted(fold: number, outcomes: Outcome[]): [number, number][] {
  const map = fitCalibration(outcomes)
  maps[fold] = map
  return map
}
checkCalibration('tempo', tempi)
checkCalibration('key', keys)

const tempoModel = { ...fitTempo(clips), calibration: fitCalibration(tempi.flatMap((tempo) => tempo ?? [])) }
const keyModel = { ...fitKey(clips), calibration: fitCalibration(keys.flatMap((key) => key ?? [])) }
const tidy = (model: object) =>
  JSON.stringify(model, (_, value) => (typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value))
const text = `// Made by scripts/audio/train.ts: weights fitted to ${count} rendered clips. Not to be edited by hand.
// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: what is fitted may resemble anything
import type { KeyModel } from './key.ts'
import type { TempoModel } from './tempo.ts'

export const TEMPO_MODEL: TempoModel = ${tidy(tempoModel)}

export const KEY_MODEL: KeyModel = ${tidy(keyModel)}
`
if (!values.dry) {
  await writeFile(resolve(join(import.meta.dirname, '../../src/audio/features/model.ts')), text)
  process.stdout.write('\nwritten: src/audio/features/model.ts (format it with biome)\n')
}
