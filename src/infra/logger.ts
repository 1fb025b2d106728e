import { type Logger as Pino, pino } from 'pino'
import type { Logger } from '../kernel/ports.ts'

/** Never written, wherever they turn up. */
const secrets = ['password', 'passwordHash', 'currentPassword', 'newPassword', 'token', 'accessToken', 'refreshToken', 'authorization', 'cookie', 'secret']

/** JSON lines, or readable ones on a terminal. Secrets are left out at the first and second level. */
export function createLogger(level: string, pretty: boolean): Logger & Pick<Pino, 'flush'> {
  const redact = { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' }
  return pino({
    level,
    redact,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(pretty ? { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss' } } } : {}),
  })
}
