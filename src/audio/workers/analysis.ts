import type { DecodeReason } from '../decode/pcm.ts'
import type { AnalysisOutput } from '../types.ts'

export type AnalysisReason =
  | DecodeReason
  /** The worker process ended by itself, or the analysis threw. */
  | 'broken'
  /** Somebody else ended the worker process. */
  | 'killed'
  /** More wait than the pool takes. */
  | 'busy'
  /** The pool was closed. */
  | 'closed'

/** Why a file was not analysed. */
export class AnalysisError extends Error {
  readonly reason: AnalysisReason

  constructor(reason: AnalysisReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AnalysisError'
    this.reason = reason
  }
}

export interface AnalysisPoolOptions {
  /** Worker processes at most. They start when they are needed. */
  size: number
  /** Of the processor's time, for one file; ten times as much by the clock. */
  timeLimitMs?: number
  maxSeconds?: number
  maxSamples?: number
  /** Resident memory of a worker; looked at twice a second, where /proc is. */
  memoryLimitBytes?: number
  /** Files that wait at most. */
  maxQueue?: number
  /** After so long without work a worker process ends. */
  idleMs?: number
  /** The program of the worker processes; ours where none is given. */
  worker?: string
  /** What worker processes print. */
  onLog?: (line: string) => void
}

export interface AnalyseCall {
  /** Ends the analysis, and the worker that is at it. */
  signal?: AbortSignal
  /** At most 10 times a second. */
  onProgress?: (stage: string, percent: number) => void
}

export interface AnalysisPool {
  /** Analyses a file in a worker process. Rejects with an AnalysisError. */
  analyse(path: string, call?: AnalyseCall): Promise<AnalysisOutput>
  /** How many are being analysed and how many wait. */
  load(): { running: number; waiting: number }
  /** Ends all workers; what runs or waits is rejected with `closed`. */
  close(): Promise<void>
}
