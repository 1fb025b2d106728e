/** Writes each program, given by its name and its file, with all that it imports, and what the audio worker reads. */
export function bundle(folder: string, programs: Record<string, string>): Promise<void>
