import { z } from 'zod'
import { Profile } from '../../models/Profile.ts'
import { Session } from '../../models/Session.ts'
import { User } from '../../models/User.ts'
import { AppError } from '../kernel/errors.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import type { Exchange } from '../kernel/route.ts'
import { Password, PasswordGuess } from '../services/accounts/passwords.ts'
import type { Origin } from '../services/accounts/sessions.ts'
import { refreshSeconds } from '../services/accounts/tokens.ts'
import { defineRoute } from './define.ts'

const tag = 'Accounts'

const TokenPair = z.object({
  accessToken: z.string().describe('A JWT with sub, sid and role'),
  refreshToken: z.string().describe('Works once'),
  expiresIn: z.int().describe('Life of the access token, in seconds'),
})
const SignedIn = TokenPair.extend({ user: User.wire, profile: Profile.wire, session: Session.wire })
const RefreshToken = z.string().min(1).max(500)
const MailedToken = z.string().min(1).max(200)

export const originOf = (http: Exchange): Origin => ({ ipAddress: http.ipAddress, userAgent: http.userAgent })

const refreshCookie = 'pp_refresh'
const cookiePath = '/api/v1/auth'
/**
 * The web client asks with this header to have its refresh token in a cookie that scripts can't read. A header of our
 * own and SameSite=Strict keep other sites from using it.
 */
const isWeb = (http: Exchange) => http.header('X-Phantom-Client') === 'web'

function keepCookie(http: Exchange, refreshToken: string | null) {
  if (isWeb(http)) http.setCookie(refreshCookie, refreshToken, { path: cookiePath, maxAgeSeconds: refreshSeconds })
}

const presented = (http: Exchange, given: string | undefined) =>
  given ?? (isWeb(http) ? http.cookie(refreshCookie) : undefined)

const register = defineRoute({
  method: 'post',
  path: '/api/v1/auth/register',
  tag,
  summary: 'Makes an account and logs it in; a mail asks to confirm the address',
  auth: 'none',
  rate: rates.costly,
  body: z.object({ email: f.email(), password: Password, displayName: f.name(80) }),
  example: { email: 'jane.doe@example.com', password: 'correct horse battery', displayName: 'Jane D' },
  status: 201,
  answer: SignedIn,
  errors: ['conflict'],
  async handle({ services, http }, { body }) {
    const signedIn = await services.accounts.register(body, originOf(http))
    keepCookie(http, signedIn.refreshToken)
    return signedIn
  },
})

const login = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login',
  tag,
  summary: 'Opens a session',
  auth: 'none',
  rate: rates.costly,
  body: z.object({ email: z.string().min(1).max(254), password: PasswordGuess }),
  example: { email: 'jane.doe@example.com', password: 'correct horse battery' },
  status: 200,
  answer: SignedIn,
  errors: ['unauthenticated', 'forbidden'],
  async handle({ services, http }, { body }) {
    const signedIn = await services.accounts.login(body, originOf(http))
    keepCookie(http, signedIn.refreshToken)
    return signedIn
  },
})

const refresh = defineRoute({
  method: 'post',
  path: '/api/v1/auth/refresh',
  tag,
  summary: 'Changes a refresh token for a new pair; the second use of one revokes the session',
  auth: 'none',
  rate: rates.costly,
  body: z.object({ refreshToken: RefreshToken.optional() }).optional(),
  example: { refreshToken: 'ppr_…' },
  status: 200,
  answer: TokenPair,
  errors: ['unauthenticated'],
  async handle({ services, http }, { body }) {
    const token = presented(http, body?.refreshToken)
    if (!token) throw new AppError('unauthenticated', 'This needs a refresh token')
    // A page that is loaded anew while it asks never sees the answer: its cookie gets the same one again.
    const repeats = body?.refreshToken === undefined
    const pair = await services.accounts.refresh(token, originOf(http), { repeats })
    keepCookie(http, pair.refreshToken)
    return pair
  },
})

const logout = defineRoute({
  method: 'post',
  path: '/api/v1/auth/logout',
  tag,
  summary: 'Revokes the session of the bearer, or without one that of the refresh token',
  auth: 'optional',
  rate: rates.write,
  body: z.object({ refreshToken: RefreshToken.optional() }).optional(),
  status: 204,
  async handle({ actor, services, http }, { body }) {
    await services.accounts.logout(actor, presented(http, body?.refreshToken), originOf(http))
    keepCookie(http, null)
  },
})

const verifyEmail = defineRoute({
  method: 'post',
  path: '/api/v1/auth/verify-email',
  tag,
  summary: 'Confirms an address with the token from the mail',
  auth: 'none',
  rate: rates.costly,
  body: z.object({ token: MailedToken }),
  status: 204,
  handle: ({ services, http }, { body }) => services.accounts.recovery.verifyEmail(body.token, originOf(http)),
})

const sendVerification = defineRoute({
  method: 'post',
  path: '/api/v1/auth/verify-email/send',
  tag,
  summary: 'Mails the bearer a new link to confirm the address',
  auth: 'user',
  rate: rates.costly,
  status: 204,
  async handle({ actor, services }) {
    services.accounts.recovery.sendVerification(actor.userId)
  },
})

const forgot = defineRoute({
  method: 'post',
  path: '/api/v1/auth/password/forgot',
  tag,
  summary: 'Mails a link to set a new password, where there is such an account; answers alike where there is none',
  auth: 'none',
  rate: rates.costly,
  body: z.object({ email: z.string().min(1).max(254) }),
  status: 204,
  async handle({ services }, { body }) {
    services.accounts.recovery.forgotPassword(body.email)
  },
})

const reset = defineRoute({
  method: 'post',
  path: '/api/v1/auth/password/reset',
  tag,
  summary: 'Sets a new password with the token from the mail, and revokes all sessions',
  auth: 'none',
  rate: rates.costly,
  body: z.object({ token: MailedToken, password: Password }),
  status: 204,
  handle: ({ services, http }, { body }) =>
    services.accounts.recovery.resetPassword(body.token, body.password, originOf(http)),
})

const change = defineRoute({
  method: 'post',
  path: '/api/v1/auth/password/change',
  tag,
  summary: 'Sets a new password, and revokes the other sessions',
  auth: 'user',
  rate: rates.costly,
  body: z.object({ currentPassword: PasswordGuess, newPassword: Password }),
  status: 204,
  errors: ['conflict'],
  handle: ({ actor, services, http }, { body }) =>
    services.accounts.recovery.changePassword(actor, body.currentPassword, body.newPassword, originOf(http)),
})

export const authRoutes = [register, login, refresh, logout, verifyEmail, sendVerification, forgot, reset, change]
