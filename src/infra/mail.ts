import { createTransport } from 'nodemailer'
import type { Config } from '../config.ts'
import type { Logger, Mail, Mailer } from '../kernel/ports.ts'

/**
 * Sends mails through SMTP_URL. Without one they are logged; in production without their text, which can hold the key
 * to an account.
 */
export function createMailer(
  config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'production'>,
  log: Logger,
): Mailer & { close(): void } {
  if (!config.smtpUrl) {
    return {
      async send(mail: Mail) {
        const shown = { to: mail.to, subject: mail.subject, ...(config.production ? {} : { text: mail.text }) }
        log.warn(shown, 'Mail not sent: SMTP_URL is not set')
      },
      close() {},
    }
  }
  const transport = createTransport({
    url: config.smtpUrl,
    pool: true,
    maxConnections: 2,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
  } as never)
  return {
    async send(mail) {
      await transport.sendMail({ from: config.mailFrom, to: mail.to, subject: mail.subject, text: mail.text })
    },
    close() {
      transport.close()
    },
  }
}
