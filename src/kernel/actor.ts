/** What a bot's token may be allowed to do (contract, section 2). */
export const scopes = [
  'rooms:read',
  'rooms:write',
  'dms:read',
  'dms:write',
  'boards:read',
  'boards:write',
  'audio:read',
  'audio:write',
  'analysis:write',
  'profile:read',
  'presence:read',
] as const
export type Scope = (typeof scopes)[number]

/** Who is asking: an authenticated person or bot. */
export interface Actor {
  userId: string
  sessionId: string
  role: 'user' | 'admin'
  /** Only for bots: they can do what their scopes name, people can do all. */
  bot?: { id: string; scopes: ReadonlySet<Scope> }
}

/** Whether the actor's token covers a scope; without a scope named, only people do. */
export const hasScope = (actor: Actor, scope: Scope | undefined): boolean =>
  actor.bot ? scope !== undefined && actor.bot.scopes.has(scope) : true
