const prefix = 'dm:'

/** The log of two people's conversation. */
export const conversationId = (a: string, b: string) => (a < b ? `${prefix}${a}:${b}` : `${prefix}${b}:${a}`)

/** Whether a log is a conversation's; the others are rooms'. */
export const isConversation = (logId: string) => logId.startsWith(prefix)

/** The two people of a conversation. */
export function conversationSides(logId: string): [string, string] {
  const [, a, b] = logId.split(':')
  return [a!, b!]
}
