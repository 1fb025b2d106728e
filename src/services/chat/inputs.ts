import { z } from 'zod'
import { Anchor, maxContent } from '../../../models/ChatMessage.ts'
import { f } from '../../kernel/fields.ts'

/** What clients give to rooms and messages, over sockets and REST alike. */
export const clientId = f.text(1, 64).describe('Chosen by the sender; a repeat stores nothing twice')
export const content = f.content(1, maxContent)
// Tag characters spell the flags of regions; the joiner makes families.
const visible = /^(?:[^\s\p{C}]|[\u{e0020}-\u{e007f}])+(?:\u200d(?:[^\s\p{C}]|[\u{e0020}-\u{e007f}])+)*$/u
export const emoji = z
  .string()
  .min(1)
  .max(64)
  // What tools can make examples of; the rest can't be said in JSON Schema's regular expressions.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
  .regex(/^[^\s\u0000-\u001f\u007f-\u009f]+$/, 'must be an emoji')
  .refine((text) => visible.test(text), 'must be an emoji')
  .describe('An emoji, or a name for one')
  .meta({ examples: ['👍', '🎸'] })

const visibility = z.enum(['public', 'private'])

export const RoomInput = z.object({
  name: f.name(100),
  visibility: visibility.default('private'),
  topic: f.text(0, 500).optional(),
  memberIds: z.array(f.ref('User')).max(1_000).optional(),
})

export const RoomChange = z.object({
  name: f.name(100).optional(),
  topic: f.text(0, 500).optional(),
  visibility: visibility.optional(),
  slowModeSeconds: z.int().min(0).max(21_600).optional(),
})

export const Invited = z.array(f.ref('User')).min(1).max(200)

export const MessageInput = z.object({
  type: z.enum(['text', 'image', 'file', 'audio']).default('text'),
  content,
  replyToId: f.ref('ChatMessage').nullish(),
  attachmentIds: z.array(f.id()).max(10).optional(),
  anchor: Anchor.optional().describe('A moment of a recording that the sender may see; endMs after startMs'),
})
