import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { History } from './history.ts'

/** Writes the history into the folder, as JSON lines: one operation, trace, final log, notice or fault a line. */
export async function dumpHistory(folder: string, history: History, faults: object[]): Promise<void> {
  const { ops, traces, finals, notices, rooms } = history
  for (const [name, items] of Object.entries({ ops, traces, finals, notices, rooms, faults }))
    await pipeline(Readable.from(lines(items)), createWriteStream(join(folder, `${name}.jsonl`)))
}

function* lines(items: object[]): Generator<string> {
  for (const item of items) yield `${JSON.stringify(item)}\n`
}
