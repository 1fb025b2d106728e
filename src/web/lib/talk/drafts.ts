import type { LogKey } from '../../../client/changes.ts'
import { readJson, writeJson } from '../settings.svelte.ts'

const key = 'pp:drafts'
const most = 50

/** Texts begun and not sent, by user and log; the latest fifty. */
function read(): [string, string][] {
  const kept = readJson(key)
  return Array.isArray(kept) ? kept.filter((each) => Array.isArray(each) && each.length === 2) : []
}

/** The text begun for a log. */
export function draftOf(userId: string, log: LogKey): string {
  return read().find(([name]) => name === `${userId} ${log}`)?.[1] ?? ''
}

/** Keeps a text begun; an empty one is forgotten. */
export function keepDraft(userId: string, log: LogKey, text: string): void {
  const name = `${userId} ${log}`
  const others = read().filter(([each]) => each !== name)
  writeJson(key, text ? [...others, [name, text]].slice(-most) : others)
}
