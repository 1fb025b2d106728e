import { type Actor, permits } from '../kernel/actor.ts'

/** What of an account decides. */
interface Account {
  _id: string
  role: 'user' | 'admin'
}

const isAdmin = (actor: Actor) => actor.role === 'admin' && !actor.bot

/** Who may do what to accounts. */
export const accountPolicy = {
  /** Owners see their own, others by permission. */
  see: (actor: Actor, accountId: string): boolean =>
    (actor.userId === accountId && !actor.bot) || permits(actor, { action: 'read', resource: 'User' }),
  /** E-mail addresses are for their owners and for admins. */
  seeEmail: (actor: Actor, accountId: string): boolean => isAdmin(actor) || (actor.userId === accountId && !actor.bot),
  /** Only admins change who is an admin. */
  changeRole: isAdmin,
  /** Managers change accounts, those of admins excepted. */
  change: (actor: Actor, account: Account): boolean =>
    isAdmin(actor) || (account.role !== 'admin' && permits(actor, { action: 'manage', resource: 'User' })),
  /** Who may moderate profiles does not change those of admins, unless as one. */
  moderateProfile: (actor: Actor, account: Pick<Account, 'role'>): boolean =>
    isAdmin(actor) || (account.role !== 'admin' && permits(actor, { action: 'moderate', resource: 'Profile' })),
  /** Managers change accounts; nobody suspends themself. */
  ban: (actor: Actor, account: Account): boolean =>
    actor.userId !== account._id && accountPolicy.change(actor, account),
}
