/** What a running job is told beside its payload. */
export interface JobContext {
  /** Which attempt this is, from 1. */
  attempt: number
  /** Aborted when the lease is lost or the process drains: the run should end soon, and not write on. */
  signal: AbortSignal
  /** Once this run ends well it comes again, behind all that is due by then; its attempts go on counting. */
  again(): void
}

/** Work done apart from a request: kept in MongoDB until done, run once at a time, by whichever process is alive. */
export interface JobDef<P, S> {
  kind: string
  summary: string
  /** How long a process that died keeps others from its job, in milliseconds; while it lives, the lease is renewed. */
  leaseMs: number
  /** After these it is given up. */
  maxAttempts: number
  /** How many of the kind one process runs at once; 1 where not given. */
  atOnce?: number
  /** The pause before the second attempt, in milliseconds, doubled for each further one; 1,000 where not given. */
  retryMs?: number
  run(services: S, payload: P, context: JobContext): Promise<void>
}

/** Gives `defineJob` for one set of services: declares a job once; see `JobDef`. */
export const jobDefiner =
  <S>() =>
  <P>(definition: JobDef<P, S>) =>
    definition
