/** Work done apart from a request: kept in MongoDB until done, run once at a time, by whichever process is alive. */
export interface JobDef<P, S> {
  kind: string
  summary: string
  /** How long one run may take before another process may take it up, in milliseconds. */
  leaseMs: number
  maxAttempts: number
  run(services: S, payload: P): Promise<void>
}

/** Gives `defineJob` for one set of services. */
export const jobDefiner =
  <S>() =>
  <P>(definition: JobDef<P, S>) =>
    definition

/** Work that every process does again and again by itself, such as comparing heads or renewing a lease. */
export interface TaskDef {
  name: string
  everyMs: number
  run(): Promise<void>
}
