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
  /** What the user's roles permit beyond what everybody may, as `action:resource`. */
  permits?: ReadonlySet<string>
}

/** Leave to do an action to a kind of resource, as the model Permission has it. */
export interface PermissionNeed {
  action: string
  resource: string
}

/** Whether the actor's roles permit it; admins may do all, bots nothing that is not their owner's own. */
export const permits = (actor: Actor, { action, resource }: PermissionNeed): boolean =>
  !actor.bot && (actor.role === 'admin' || (actor.permits?.has(`${action}:${resource}`) ?? false))

/** What a declaration asks of a bot's token: a scope, or `any` where the handler looks closer itself. */
export type ScopeNeed = Scope | 'any'

/** Whether the actor's token covers what is needed; where nothing is named, only people may. */
export const hasScope = (actor: Actor, need: ScopeNeed | undefined): boolean =>
  !actor.bot || need === 'any' || (need !== undefined && actor.bot.scopes.has(need))
