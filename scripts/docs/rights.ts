import { routes } from '../../src/http/index.ts'
import type { PermissionNeed } from '../../src/kernel/actor.ts'
import type { AnyRoute, RouteAuth } from '../../src/kernel/route.ts'
import { standardPermissions, standardRoles } from '../../src/policies/permissions.ts'
import type { Services } from '../../src/services/index.ts'

type Route = AnyRoute<Services>

const row = (...cells: string[]) => `| ${cells.join(' | ')} |`
const code = (text: string) => `\`${text}\``
const keyOf = ({ action, resource }: PermissionNeed) => `${action}:${resource}`
const nameOf = (route: Route) => `${route.method.toUpperCase()} ${route.path}`

const callers: Record<RouteAuth, string> = {
  none: 'everybody',
  optional: 'everybody',
  user: 'people with an account',
  admin: 'admins',
}
const others = {
  forbidden: 'others get `forbidden`',
  not_found: 'to others it is not there',
  nothing: 'others see and change nothing of it',
}

/** Who may, in words: by permission, by ownership, or just by having an account. */
function describeWho({ auth, permission, access }: Route): string {
  const who = permission ? `by the permission ${code(keyOf(permission))}` : callers[auth as RouteAuth]
  if (!access) return who
  const { owner, permission: by } = access
  const also = by ? `, or by the permission ${code(keyOf(by))}` : ''
  return `${permission ? `${who}: ` : ''}${owner}${also}; ${others[access.others]}`
}

/** What a bot needs, beside being one who may. */
function describeBots({ auth, scope }: Route): string {
  if (auth === 'none') return 'as everybody'
  if (scope === undefined) return 'no'
  return scope === 'any' ? 'any token' : code(scope)
}

/** The tables of roles, permissions and routes, from their declarations, as Markdown. */
export function describeRights(): string {
  const asking = new Map<string, string[]>()
  for (const route of routes) {
    for (const need of [route.permission, route.access?.permission]) {
      if (need) asking.set(keyOf(need), [...(asking.get(keyOf(need)) ?? []), nameOf(route)])
    }
  }
  const tags = [...new Set(routes.map(({ tag }) => tag))]
  return [
    '## Roles',
    '',
    row('role', 'what'),
    row('---', '---'),
    ...Object.entries(standardRoles).map(([name, description]) => row(code(name), description)),
    '',
    '## Permissions',
    '',
    'What the roles permit from the start. Admins may everything, whatever their roles say.',
    '',
    row('permission', 'what', 'admin', 'moderator', 'user', 'routes that ask for it'),
    row('---', '---', '---', '---', '---', '---'),
    ...standardPermissions.map(({ action, resource, description, moderator }) =>
      row(
        code(keyOf({ action, resource })),
        description,
        'yes',
        moderator ? 'yes' : '',
        '',
        String(asking.get(keyOf({ action, resource }))?.length ?? ''),
      ),
    ),
    '',
    '## Routes',
    ...tags.flatMap((tag) => [
      '',
      `### ${tag}`,
      '',
      row('route', 'who', 'bots', 'what'),
      row('---', '---', '---', '---'),
      ...routes
        .filter((route) => route.tag === tag)
        .map((route) => row(code(nameOf(route)), describeWho(route), describeBots(route), route.summary)),
    ]),
  ].join('\n')
}
