import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'

/**
 * The secrets that tokens are signed with: JWT_SECRET, or one made once and kept in the data folder, readable by its
 * owner alone. Processes that start together agree on one.
 */
export async function loadSecrets(config: Pick<Config, 'jwtSecrets' | 'dataDir'>): Promise<string[]> {
  if (config.jwtSecrets?.length) return config.jwtSecrets
  const path = join(config.dataDir, 'jwt-secret')
  const kept = await readSecret(path)
  if (kept) return [kept]
  await mkdir(config.dataDir, { recursive: true })
  // Written whole under another name first: linking fails where another process was faster, and never shows a half.
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  const made = await readSecret(path)
  if (!made) throw new Error(`${path} holds no secret of at least 32 characters; remove it to have one made`)
  return [made]
}

async function readSecret(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim()
    return text.length >= 32 ? text : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
