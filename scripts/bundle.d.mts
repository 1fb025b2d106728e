/** The server, and what it runs in threads and processes of their own: files by the names of their bundles. */
export const serverPrograms: Record<string, string>
/** Writes each program, given by its name and its file, with all that it imports, and what the audio worker reads. */
export function bundle(folder: string, programs: Record<string, string>): Promise<void>
