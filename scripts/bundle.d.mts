/** Writes one file of `src/`, and all that it imports, to a folder. */
export function bundle(folder: string, name: string, entry: string): Promise<void>
/** The processes that analyse sound, as src/audio/workers/pool.ts looks for them beside its own bundle. */
export function bundleAudioWorker(folder: string): Promise<void>
