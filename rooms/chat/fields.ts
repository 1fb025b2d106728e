import { z } from 'zod'
import { maxContent } from '../../models/ChatMessage.ts'
import { f } from '../../src/kernel/fields.ts'

/** Parts of payloads that several events share. */
export const roomId = f.ref('ChatRoom')
export const messageId = f.ref('ChatMessage')
export const userId = f.ref('User')
export const clientId = f.text(1, 64).describe('Chosen by the sender; a repeat stores nothing twice')
export const content = f.content(1, maxContent)
export const emoji = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\s\p{C}]+(?:\u200d[^\s\p{C}]+)*$/u, 'must be an emoji')
  .describe('An emoji, or a name for one')
/** A page by seq: the newest, or those before or after one. */
export const page = {
  before: f.seq().optional(),
  after: f.seq().optional(),
  limit: z.int().min(1).max(200).default(50),
}
