import type { z } from 'zod'
import { type Scope, scopes } from '../../src/kernel/actor.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { f } from '../../src/kernel/fields.ts'
import { Password } from '../../src/services/accounts/passwords.ts'
import type { OpenAccounts } from '../shared/services.ts'
import { type Command, type CommandContext, UsageError } from './command.ts'

/** Where audit logs show who did it. */
const origin = { ipAddress: undefined, userAgent: 'npm run admin' }

/** Checks an option as the routes check the same field. Throws a UsageError. */
function parse<T>(type: z.ZodType<T>, value: string | undefined, option: string): T {
  const parsed = type.safeParse(value)
  if (!parsed.success) throw new UsageError(`--${option}: ${parsed.error.issues[0]!.message}`)
  return parsed.data
}

async function withAccounts<T>(
  { config, progress }: CommandContext,
  work: (open: OpenAccounts) => Promise<T>,
): Promise<T> {
  const settings = config()
  // Only now: help and refusals need none of the server.
  const { openAccounts } = await import('../shared/services.ts')
  const open = await openAccounts(settings, progress)
  try {
    return await work(open)
  } finally {
    await open.close()
  }
}

/** The account, or an error that names the address and what to do. */
async function requireActor(open: OpenAccounts, email: string) {
  try {
    return await open.accounts.operator.actorOf(email)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code === 'not_found') {
      throw new Error(`No account has the e-mail address ${email} in this database (${open.whose}). Is it spelt right?`)
    }
    throw new Error(`${email}: ${error.message}`)
  }
}

const email = { value: 'EMAIL', summary: 'e-mail address of the account', required: true }

export const createAdmin: Command = {
  name: 'create-admin',
  summary: 'Makes an admin account, or makes one of an account that there is.',
  notes: [
    'Without --password a new account gets one made up, which is shown this once.',
    'An account that is there keeps its password. Running instances learn of a promotion within 30 s.',
  ],
  options: { email, password: { value: 'PASSWORD', summary: '8 to 72 bytes; for a new account' } },
  async run(given, context) {
    const address = parse(f.email(), given['email'], 'email')
    const wanted = given['password'] === undefined ? undefined : parse(Password, given['password'], 'password')
    return withAccounts(context, async ({ accounts }) => {
      const { outcome, userId, password } = await accounts.operator.makeAdmin(address, wanted)
      const kept = wanted === undefined ? '' : ' Its password stays as it was; change it by logging in.'
      if (outcome === 'made') context.print(`Made the admin account ${address} (${userId}).`)
      if (outcome === 'promoted') context.print(`${address} (${userId}) is an admin now.${kept}`)
      if (outcome === 'unchanged') context.print(`${address} (${userId}) was an admin already.${kept}`)
      if (password !== null) context.print(`Its password, shown this once: ${password}`)
      return 0
    })
  },
}

export const botToken: Command = {
  name: 'bot-token',
  summary: 'Makes a bot for an account and prints its token, which never expires, this once.',
  notes: [`Scopes: ${scopes.join(' ')}`],
  options: {
    owner: { value: 'EMAIL', summary: 'e-mail address of its owner', required: true },
    name: { value: 'NAME', summary: 'its display name', required: true },
    scopes: { value: 'A,B', summary: 'what its token covers, comma-separated', required: true },
  },
  async run(given, context) {
    const address = parse(f.email(), given['owner'], 'owner')
    const name = parse(f.name(80), given['name'], 'name')
    const wanted = (given['scopes'] ?? '').split(',').map((scope) => scope.trim())
    for (const scope of wanted) {
      if (!scopes.includes(scope as Scope)) {
        throw new UsageError(`--scopes: there is no scope "${scope}"; there are ${scopes.join(', ')}`)
      }
    }
    return withAccounts(context, async (open) => {
      const owner = await requireActor(open, address)
      const { bot, token } = await open.accounts.bots.create(owner, { name, scopes: wanted as Scope[] }, origin)
      context.print(`Made the bot ${bot.name}: id ${bot.id}, user ${bot.userId}, scopes ${bot.scopes.join(',')}`)
      context.print(token)
      return 0
    })
  },
}

export const revokeSessions: Command = {
  name: 'revoke-sessions',
  summary: 'Ends all sessions of an account: its tokens are refused and its sockets end within 1 s, everywhere.',
  notes: ['The account can log in again. Tokens of its bots are not touched: remove the bot for that.'],
  options: { email },
  async run(given, context) {
    const address = parse(f.email(), given['email'], 'email')
    return withAccounts(context, async (open) => {
      const { userId } = await requireActor(open, address)
      const count = await open.accounts.operator.endSessions(userId)
      context.print(`Ended ${count} session${count === 1 ? '' : 's'} of ${address} (${userId}).`)
      return 0
    })
  },
}
