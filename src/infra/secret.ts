import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import webPush from 'web-push'
import type { Config } from '../config.ts'

/**
 * The secrets that tokens are signed with: JWT_SECRET, or one made once and kept in the data folder, readable by its
 * owner alone. Processes that start together agree on one.
 */
export async function loadSecrets(config: Pick<Config, 'jwtSecrets' | 'dataDir'>): Promise<string[]> {
  if (config.jwtSecrets?.length) return config.jwtSecrets
  const path = join(config.dataDir, 'jwt-secret')
  const make = () => randomBytes(48).toString('base64url')
  const made = await keepOnce(path, make, (text) => (text.length >= 32 ? text : undefined))
  if (!made) throw new Error(`${path} holds no secret of at least 32 characters; remove it to have one made`)
  return [made]
}

/** Keys that pushes to browsers are signed with (VAPID, RFC 8292), and whom push services may write to. */
export interface Vapid {
  publicKey: string
  privateKey: string
  subject: string
}

/** The keys of pushes: VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY, or a pair made once and kept in the data folder. */
export async function loadVapid(config: Pick<Config, 'vapid' | 'dataDir' | 'publicUrl' | 'mailFrom'>): Promise<Vapid> {
  const address = /<([^>]+)>/.exec(config.mailFrom)?.[1] ?? config.mailFrom
  const subject =
    config.vapid?.subject ?? (config.publicUrl.startsWith('https:') ? config.publicUrl : `mailto:${address}`)
  if (config.vapid) return { ...config.vapid, subject }
  const path = join(config.dataDir, 'vapid-keys.json')
  const made = await keepOnce(path, () => JSON.stringify(webPush.generateVAPIDKeys()), readKeys)
  if (!made) throw new Error(`${path} holds no pair of VAPID keys; remove it to have one made`)
  return { ...made, subject }
}

function readKeys(text: string): Pick<Vapid, 'publicKey' | 'privateKey'> | undefined {
  const [, publicKey] = /"publicKey":"([\w-]{87})"/.exec(text) ?? []
  const [, privateKey] = /"privateKey":"([\w-]{43})"/.exec(text) ?? []
  return publicKey && privateKey ? { publicKey, privateKey } : undefined
}

/**
 * What a file holds; made where there is none, readable by its owner alone. Processes that start together agree on one.
 * Undefined where it holds something else.
 */
async function keepOnce<T>(
  path: string,
  make: () => string,
  read: (text: string) => T | undefined,
): Promise<T | undefined> {
  const kept = await readText(path)
  if (kept !== undefined) return read(kept)
  await mkdir(dirname(path), { recursive: true })
  // Written whole under another name first: linking fails where another process was faster, and never shows a half.
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, make(), { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  const made = await readText(path)
  return made === undefined ? undefined : read(made)
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
