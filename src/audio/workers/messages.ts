import type { DecodeReason } from '../decode/pcm.ts'
import type { AnalysisOutput } from '../types.ts'

/** What the pool asks of a worker process. One at a time. */
export interface WorkerTask {
  id: number
  path: string
  limits: { maxSeconds: number; maxSamples: number; timeMs: number }
}

/** What a worker process tells. */
export type WorkerMessage =
  | { kind: 'ready' }
  | { kind: 'progress'; id: number; stage: string; percent: number }
  | { kind: 'done'; id: number; output: AnalysisOutput }
  | { kind: 'failed'; id: number; reason: DecodeReason | 'broken'; message: string }

/** The priority of a worker process: behind everything that answers somebody. */
export const workerNiceness = 15
