import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface Mailbox {
  /** For SMTP_URL. */
  url: string
  /** The text of the last mail to an address that holds `words`; waits for it. */
  mailTo(address: string, words: string): Promise<string>
  close(): Promise<void>
}

/** A mail server that takes every mail and keeps it. */
export async function openMailbox(): Promise<Mailbox> {
  const mails: { to: string; text: string }[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let rest = ''
    let to = ''
    let text: string | null = null
    const say = (line: string) => socket.write(`${line}\r\n`)
    const take = (line: string) => {
      if (text !== null) {
        if (line === '.') {
          mails.push({ to, text: decode(text) })
          text = null
          say('250 kept')
        } else text += `${line}\n`
        return
      }
      const command = line.slice(0, 4).toUpperCase()
      if (command === 'RCPT') to = /<(.*)>/.exec(line)?.[1] ?? ''
      if (command === 'DATA') {
        text = ''
        say('354 go on')
      } else if (command === 'QUIT') {
        say('221 bye')
        socket.end()
      } else say('250 fine')
    }
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      rest += chunk
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        take(line)
      }
    })
    say('220 mailbox')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async mailTo(address, words) {
      for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
        const found = mails.findLast((mail) => mail.to === address && mail.text.includes(words))
        if (found) return found.text
        await new Promise((done) => setTimeout(done, 20))
      }
      throw new Error(`no mail with "${words}" to ${address}`)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Quoted-printable, as nodemailer writes long lines. */
const decode = (text: string) =>
  text
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
