import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Block = defineEntity('Block', {
  description: 'A user who does not want to hear from another',
  collection: 'blocks',
  fields: { userId: f.ref('User', 'cascade'), blockedId: f.ref('User', 'cascade'), createdAt: f.time() },
  indexes: [
    { keys: { userId: 1, blockedId: 1 }, options: { unique: true }, serves: 'whom a user blocks, each once' },
    { keys: { blockedId: 1 }, serves: 'who blocks a user' },
  ],
})
export type BlockDoc = Stored<typeof Block>
