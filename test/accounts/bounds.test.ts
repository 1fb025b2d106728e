import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { createMailer } from '../../src/infra/mail.ts'
import { createRateLimiter } from '../../src/infra/rate-limiter.ts'
import { addressKey } from '../../src/kernel/address.ts'
import { createBackground } from '../../src/services/accounts/background.ts'
import { createPasswords } from '../../src/services/accounts/passwords.ts'

const mail = { to: 'jane@example.com', subject: 'Reset your password', text: 'https://x/#reset-password=SECRET' }

function logger() {
  const lines: string[] = []
  return { lines, log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }) }
}

describe('bounds', () => {
  test('[AUTH-36] refuses to hash when too many wait, and serves those who do', async () => {
    const passwords = createPasswords({ cost: 8, atOnce: 1, waiting: 5 })
    const results = await Promise.allSettled([...Array(20)].map((_, i) => passwords.hash(`password ${i}`)))
    const done = results.filter((result) => result.status === 'fulfilled')
    expect(done).toHaveLength(6)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'unavailable', retryAfterMs: 2000 })
    }
    expect(await passwords.verify('password 0', done[0]!.value)).toBe(true)
    expect(await passwords.verify('password 1', done[0]!.value)).toBe(false)
    expect(await passwords.verify('password 0', undefined)).toBe(false)
  })

  test('[AUTH-37] refuses background work beyond its bound, logs what fails, and goes on', async () => {
    const { lines, log } = logger()
    const background = createBackground(log, { atOnce: 1, waiting: 2 })
    const done: number[] = []
    for (let i = 0; i < 5; i++) {
      background.run('work', async () => {
        if (i === 1) throw new Error('one that fails')
        await new Promise((next) => setTimeout(next, 5))
        done.push(i)
      })
    }
    await background.idle(5_000)
    expect(done).toEqual([0, 2])
    expect(lines.filter((line) => line.includes('too much waits'))).toHaveLength(2)
    expect(lines.filter((line) => line.includes('one that fails'))).toHaveLength(1)
  })

  test('[AUTH-38] sends mails by SMTP; without it logs them, in production without their text', async () => {
    const { lines, log } = logger()
    const settings = { smtpUrl: undefined, mailFrom: 'Phantom Power <no-reply@example.com>', production: false }
    await createMailer(settings, log).send(mail)
    expect(lines.at(-1)).toContain('SECRET')
    await createMailer({ ...settings, production: true }, log).send(mail)
    expect(lines.at(-1)).toContain(mail.to)
    expect(lines.at(-1)).not.toContain('SECRET')

    const smtp = await startSmtp()
    const mailer = createMailer({ ...settings, smtpUrl: smtp.url, production: true }, log)
    try {
      await mailer.send(mail)
      expect(smtp.received()).toMatch(/RCPT TO:<jane@example.com>/)
      expect(smtp.received()).toMatch(/Subject: Reset your password/)
      expect(smtp.received()).toMatch(/#reset-password=/)
    } finally {
      mailer.close()
      await smtp.close()
    }
    expect(lines.join('')).not.toMatch(/SECRET.*SECRET/s)
  })
})

describe('rates', () => {
  const rate = { points: 2, seconds: 1 }

  test('[HTTP-18] counts callers apart, says when to come back, and forgets after the window', async () => {
    const limiter = createRateLimiter()
    await limiter.consume('a', rate, 'x')
    await limiter.check('a', rate, 'x')
    await limiter.consume('a', rate, 'x')
    await expect(limiter.check('a', rate, 'x')).rejects.toMatchObject({ code: 'rate_limited' })
    const refused = await limiter.consume('a', rate, 'x').catch((error) => error)
    expect(refused).toMatchObject({ code: 'rate_limited' })
    expect(refused.retryAfterMs).toBeGreaterThan(0)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(1_000)
    await limiter.consume('a', rate, 'y')
    await limiter.consume('b', rate, 'x')
    await limiter.forgive('a', rate, 'x')
    await limiter.consume('a', rate, 'x')
    await limiter.consume('a', rate, 'x')
    await new Promise((done) => setTimeout(done, 1_100))
    await limiter.consume('a', rate, 'x')
    const off = createRateLimiter({ enabled: false })
    for (let i = 0; i < 10; i++) await off.consume('a', rate, 'x')
  })

  test('[HTTP-19] holds a bounded number of callers, and forgets the longest known first', async () => {
    const limiter = createRateLimiter({ maxKeys: 100 })
    const long = { points: 1, seconds: 600 }
    for (let i = 0; i < 1_000; i++) await limiter.consume('a', long, `caller ${i}`)
    expect(limiter.size).toBe(100)
    await expect(limiter.consume('a', long, 'caller 999')).rejects.toMatchObject({ code: 'rate_limited' })
    await limiter.consume('a', long, 'caller 0')
  })

  test('[HTTP-20] counts the network that one IPv6 customer has as one caller', () => {
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(addressKey('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64')
    expect(addressKey('2001:db8::9')).toBe('2001:db8:0:0::/64')
    expect(addressKey('::1')).toBe('0:0:0:0::/64')
    expect(addressKey('203.0.113.7')).toBe('203.0.113.7')
  })
})

/** A mail server that takes everything. */
async function startSmtp() {
  let received = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let inData = false
    socket.write('220 test\r\n')
    socket.on('data', (chunk) => {
      const text = chunk.toString()
      received += text
      if (inData) {
        if (!received.endsWith('\r\n.\r\n')) return
        inData = false
        socket.write('250 taken\r\n')
      } else if (/^DATA/i.test(text)) {
        inData = true
        socket.write('354 go on\r\n')
      } else socket.write(/^QUIT/i.test(text) ? '221 bye\r\n' : '250 ok\r\n')
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as { port: number }).port}`,
    received: () => received,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
