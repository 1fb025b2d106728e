import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ChromaAnalyser, FINE_BINS, type FineChroma } from '../../src/audio/features/chroma.ts'
import { collectKeyEvidence, type KeyEvidence } from '../../src/audio/features/key-evidence.ts'
import { MEL_BANDS, MelAnalyser } from '../../src/audio/features/mel.ts'
import { measureOnsets, pickOnsets } from '../../src/audio/features/onset.ts'
import { ONSET_RATE } from '../../src/audio/features/rates.ts'
import { RowsInt16 } from '../../src/audio/features/series.ts'
import { collectCandidates, type TempoCandidate } from '../../src/audio/features/tempo-candidates.ts'
import { renderClip } from './clips/render.ts'

interface Spectra {
  mel: Int16Array
  chroma: Float32Array
}

export interface ClipEvidence {
  seed: number
  category: string
  style: string
  bpm: number
  tonic: number | null
  mode: 'major' | 'minor' | null
  candidates: TempoCandidate[]
  key: KeyEvidence | null
}

type About = Pick<ClipEvidence, 'category' | 'style' | 'bpm' | 'tonic' | 'mode'>

/** What tempo and key are found from, of the clip with a number. Its spectra are kept in `cache`, where given. */
export async function collectEvidence(seed: number, cache: string | null): Promise<ClipEvidence> {
  const { about, spectra } = (cache && (await readCached(cache, seed))) || (await makeSpectra(seed, cache))
  const levels = new RowsInt16(MEL_BANDS)
  for (let at = 0; at < spectra.mel.length; at += MEL_BANDS) {
    const { page, offset } = levels.append()
    page.set(spectra.mel.subarray(at, at + MEL_BANDS), offset)
  }
  const width = 2 * FINE_BINS
  const chroma: FineChroma = {
    rows: spectra.chroma.length / width,
    treble: (row) => spectra.chroma.subarray(row * width, row * width + FINE_BINS),
    bass: (row) => spectra.chroma.subarray(row * width + FINE_BINS, (row + 1) * width),
  }
  const onsets = measureOnsets(levels)
  const rate = pickOnsets(onsets.full, ONSET_RATE).length / (levels.rows / ONSET_RATE)
  const { candidates } = collectCandidates(onsets, rate)
  return { seed, ...about, candidates, key: collectKeyEvidence(chroma) }
}

async function readCached(cache: string, seed: number): Promise<{ about: About; spectra: Spectra } | null> {
  const path = join(cache, String(seed))
  const text = await readFile(`${path}.json`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const [mel, chroma] = await Promise.all([readFile(`${path}.mel`), readFile(`${path}.chr`)])
  return {
    about: JSON.parse(text),
    spectra: {
      mel: new Int16Array(mel.buffer.slice(mel.byteOffset, mel.byteOffset + mel.byteLength)),
      chroma: new Float32Array(chroma.buffer.slice(chroma.byteOffset, chroma.byteOffset + chroma.byteLength)),
    },
  }
}

async function makeSpectra(seed: number, cache: string | null): Promise<{ about: About; spectra: Spectra }> {
  const { piece, samples } = renderClip(seed)
  const melAnalyser = new MelAnalyser()
  melAnalyser.push(samples)
  melAnalyser.finish()
  const chromaAnalyser = new ChromaAnalyser()
  chromaAnalyser.push(samples)
  const fine = chromaAnalyser.finish()
  const mel = new Int16Array(melAnalyser.levels.rows * MEL_BANDS)
  for (let row = 0; row < melAnalyser.levels.rows; row++) {
    const { page, offset } = melAnalyser.levels.locate(row)
    mel.set(page.subarray(offset, offset + MEL_BANDS), row * MEL_BANDS)
  }
  const width = 2 * FINE_BINS
  const chroma = new Float32Array(fine.rows * width)
  for (let row = 0; row < fine.rows; row++) {
    chroma.set(fine.treble(row), row * width)
    chroma.set(fine.bass(row), row * width + FINE_BINS)
  }
  const { category, style, bpm, tonic, mode } = piece
  const about = { category, style, bpm, tonic, mode }
  if (cache) {
    await mkdir(cache, { recursive: true })
    const path = join(cache, String(seed))
    await writeFile(`${path}.mel`, mel)
    await writeFile(`${path}.chr`, chroma)
    // Last, since a clip counts as kept once it is there.
    await writeFile(`${path}.json`, JSON.stringify(about))
  }
  return { about, spectra: { mel, chroma } }
}
