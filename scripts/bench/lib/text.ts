import { randomBytes } from 'node:crypto'

const MARK = '~t~'
const FILL =
  'shall we retake the second chorus from the bridge again, a little slower, with the brushes and no keys this time around?'

/** A run's own prefix: clientIds are for ever, so no two runs may share them. */
export const runId = randomBytes(5).toString('hex')

/** A `room:send` of about 120 characters of content, which carry when it was sent. */
export function sendPacket(roomId: string, clientId: string, now: number): string {
  const mark = `${MARK}${now.toFixed(3)} `
  return `["room:send",{"roomId":"${roomId}","clientId":"${clientId}","content":"${mark}${FILL.slice(mark.length)}"}]`
}

/** When the message in these bytes was sent, in this process' clock; NaN where it says nothing. */
export function sentAt(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(MARK, start, 'latin1')
  if (at < 0 || at >= end) return Number.NaN
  return Number.parseFloat(bytes.toString('latin1', at + MARK.length, at + MARK.length + 16))
}
