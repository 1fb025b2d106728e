import { z } from 'zod'
import { f } from '../../src/kernel/fields.ts'

export { clientId, content, emoji } from '../../src/services/chat/inputs.ts'

/** Parts of payloads that several events share. */
export const roomId = f.ref('ChatRoom')
export const messageId = f.ref('ChatMessage')
export const userId = f.ref('User')
/** A page by seq: the newest, or those before or after one. */
export const page = {
  before: f.seq().optional(),
  after: f.seq().optional(),
  limit: z.int().min(1).max(200).default(50),
}
