import { z } from 'zod'
import { createNetworks } from './kernel/address.ts'

/** One line that names the variable at fault. */
export class ConfigError extends Error {
  constructor(variable: string, why: string) {
    super(`${variable}: ${why}`)
    this.name = 'ConfigError'
  }
}

const bytes = (standard: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be a whole number of bytes')
    .transform(Number)
    .optional()
    .transform((value) => value ?? standard)

const url = (...protocols: string[]) =>
  z
    .string()
    .refine((text) => protocols.some((protocol) => text.startsWith(`${protocol}:`)) && URL.canParse(text), {
      message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}:`).join(' or ')}`,
    })
    .optional()

const MiB = 1024 * 1024

const environment = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535')
    .optional(),
  HOST: z.string().min(1).optional(),
  ADMIN_EMAIL: z.email('must be an e-mail address').optional(),
  ADMIN_PASSWORD: z
    .string()
    .refine((text) => Buffer.byteLength(text) >= 8 && Buffer.byteLength(text) <= 72, 'must be 8 to 72 bytes')
    .optional(),
  PUBLIC_URL: url('http', 'https'),
  DATA_DIR: z.string().min(1).optional(),
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/./, 'must start with mongodb:// or mongodb+srv://')
    .optional(),
  MONGOD_BIN: z.string().min(1).optional(),
  REDIS_URL: url('redis', 'rediss'),
  JWT_SECRET: z.string().min(1).optional(),
  CORS_ORIGINS: z.string().optional(),
  STORAGE_URL: url('file', 's3'),
  SMTP_URL: url('smtp', 'smtps'),
  MAIL_FROM: z.string().min(3).optional(),
  VAPID_PUBLIC_KEY: z
    .string()
    .regex(/^[\w-]{87}$/, 'must be a P-256 public key in base64url (87 characters)')
    .optional(),
  VAPID_PRIVATE_KEY: z
    .string()
    .regex(/^[\w-]{43}$/, 'must be a P-256 private key in base64url (43 characters)')
    .optional(),
  VAPID_SUBJECT: url('mailto', 'https'),
  TRUST_PROXY: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).optional(),
  MAX_UPLOAD_BYTES: bytes(200 * MiB),
  UPLOAD_BYTES_PER_SECOND: bytes(16 * MiB),
  MAX_STORAGE_BYTES: bytes(5 * 1024 * MiB),
  MAX_BOARD_BYTES: bytes(16 * MiB),
  MAX_EVENT_BYTES: bytes(MiB / 4),
  RATE_LIMITS: z.enum(['on', 'off']).optional(),
  NODE_ENV: z.string().optional(),
})

export interface Config {
  port: number
  host: string
  publicUrl: string
  dataDir: string
  admin: { email: string; password: string | undefined } | null
  mongodbUri: string | undefined
  mongodBin: string | undefined
  redisUrl: string | undefined
  /** The first signs, all verify. Undefined: generated once into the data folder. */
  jwtSecrets: string[] | undefined
  /** Browser origins beside our own. */
  corsOrigins: string[]
  storageUrl: string | undefined
  smtpUrl: string | undefined
  mailFrom: string
  /** Undefined: generated once into the data folder. */
  vapid: { publicKey: string; privateKey: string; subject: string | undefined } | undefined
  /** Proxies whose X-Forwarded-For is believed: `true` for all, or a list of addresses and networks. */
  trustProxy: boolean | string[]
  logLevel: string
  maxUploadBytes: number
  /** What all uploads of an instance come at together, at most. */
  uploadBytesPerSecond: number
  /** What one account may keep in files. */
  maxStorageBytes: number
  maxBoardBytes: number
  maxEventBytes: number
  rateLimits: boolean
  production: boolean
}

const list = (text: string | undefined) =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)

/** Reads the environment once. Throws a ConfigError that names the first variable with a bad value. */
export function readConfig(env: Record<string, string | undefined>): Config {
  // An empty variable is an unset one, as shells and compose files mean it.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw new ConfigError(String(issue.path[0]), issue.message)
  }
  const value = parsed.data
  const production = value.NODE_ENV === 'production'
  const jwtSecrets = value.JWT_SECRET ? list(value.JWT_SECRET) : undefined
  if (production && !jwtSecrets?.length) {
    throw new ConfigError('JWT_SECRET', 'is required in production; give at least 32 random characters')
  }
  if (jwtSecrets?.some((secret) => secret.length < (production ? 32 : 8))) {
    throw new ConfigError('JWT_SECRET', `each secret needs at least ${production ? 32 : 8} characters`)
  }
  if (value.ADMIN_PASSWORD && !value.ADMIN_EMAIL)
    throw new ConfigError('ADMIN_EMAIL', 'is missing beside ADMIN_PASSWORD')
  if (!value.VAPID_PUBLIC_KEY !== !value.VAPID_PRIVATE_KEY) {
    throw new ConfigError(
      value.VAPID_PUBLIC_KEY ? 'VAPID_PRIVATE_KEY' : 'VAPID_PUBLIC_KEY',
      'is missing beside the other key of the pair',
    )
  }
  const corsOrigins = list(value.CORS_ORIGINS)
  for (const origin of corsOrigins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new ConfigError('CORS_ORIGINS', `"${origin}" is not an origin such as https://app.example.com`)
    }
  }
  const host = value.HOST ?? '127.0.0.1'
  const port = value.PORT ?? 3000
  const shownHost = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const trustProxy = readProxies(value.TRUST_PROXY)
  return {
    port,
    host,
    publicUrl: (value.PUBLIC_URL ?? `http://${shownHost}:${port}`).replace(/\/+$/, ''),
    dataDir: value.DATA_DIR ?? './data',
    admin: value.ADMIN_EMAIL ? { email: value.ADMIN_EMAIL, password: value.ADMIN_PASSWORD } : null,
    mongodbUri: value.MONGODB_URI,
    mongodBin: value.MONGOD_BIN,
    redisUrl: value.REDIS_URL,
    jwtSecrets,
    corsOrigins,
    storageUrl: value.STORAGE_URL,
    smtpUrl: value.SMTP_URL,
    vapid:
      value.VAPID_PUBLIC_KEY && value.VAPID_PRIVATE_KEY
        ? {
            publicKey: value.VAPID_PUBLIC_KEY,
            privateKey: value.VAPID_PRIVATE_KEY,
            subject: value.VAPID_SUBJECT,
          }
        : undefined,
    mailFrom: value.MAIL_FROM ?? `Phantom Power <no-reply@${shownHost}>`,
    trustProxy,
    logLevel: value.LOG_LEVEL ?? 'info',
    maxUploadBytes: value.MAX_UPLOAD_BYTES,
    uploadBytesPerSecond: value.UPLOAD_BYTES_PER_SECOND,
    maxStorageBytes: value.MAX_STORAGE_BYTES,
    maxBoardBytes: value.MAX_BOARD_BYTES,
    maxEventBytes: value.MAX_EVENT_BYTES,
    rateLimits: value.RATE_LIMITS !== 'off',
    production,
  }
}

function readProxies(text: string | undefined): boolean | string[] {
  const proxies = list(text).filter((proxy) => proxy !== 'off' && proxy !== 'false')
  if (proxies.length === 0) return false
  if (proxies.length === 1 && ['true', 'on', '1'].includes(proxies[0]!)) return true
  try {
    createNetworks(proxies)
  } catch (error) {
    throw new ConfigError('TRUST_PROXY', (error as Error).message)
  }
  return proxies
}
