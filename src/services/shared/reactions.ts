import { conflict } from '../../kernel/errors.ts'

/** Different emojis on one message, and people behind one emoji. */
const maxEmojis = 50
const maxPeople = 1_000

interface Reaction {
  emoji: string
  userIds: string[]
}

/** The change that puts a user's reaction on or takes it off; null where it is so already. */
export function toggleReaction(
  message: object,
  userId: string,
  emoji: string,
  on: boolean,
): { reactions: Reaction[] } | null {
  const reactions = ((message as { reactions?: Reaction[] }).reactions ?? []).map((each) => ({ ...each }))
  const found = reactions.find((each) => each.emoji === emoji)
  if (on === (found?.userIds.includes(userId) ?? false)) return null
  if (!on) {
    found!.userIds = found!.userIds.filter((each) => each !== userId)
    return { reactions: reactions.filter((each) => each.userIds.length > 0) }
  }
  if (!found) {
    if (reactions.length >= maxEmojis) throw conflict('The message has too many different reactions')
    return { reactions: [...reactions, { emoji, userIds: [userId] }] }
  }
  if (found.userIds.length >= maxPeople) throw conflict('Too many people have reacted with this')
  found.userIds = [...found.userIds, userId]
  return { reactions }
}
