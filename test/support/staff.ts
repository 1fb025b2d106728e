import type { Person, World } from './world.ts'

/** A new person who is an admin. */
export async function makeAdmin(world: World, name = 'Admin'): Promise<Person> {
  const person = await world.user(name)
  await world.instances[0]!.app!.services.accounts.operator.makeAdmin(person.email, undefined)
  return person
}

/** A standard role by its name. */
export async function roleNamed(world: World, name: string): Promise<{ id: string; name: string }> {
  const role = await world.database.collection('roles').findOne({ name })
  if (!role) throw new Error(`There is no role ${name}`)
  return { id: String(role['_id']), name }
}

/** A permission by what it permits. */
export async function permissionFor(world: World, key: string): Promise<{ id: string }> {
  const [action, resource] = key.split(':')
  const permission = await world.database.collection('permissions').findOne({ action, resource })
  if (!permission) throw new Error(`There is no permission ${key}`)
  return { id: String(permission['_id']) }
}

/** A new person with a standard role, given by an admin over REST. */
export async function makeModerator(world: World, admin: Person, name = 'Moderator'): Promise<Person> {
  const person = await world.user(name)
  const { id: roleId } = await roleNamed(world, 'moderator')
  const { status, body } = await world.ask('POST', '/api/v1/user-roles', {
    as: admin,
    body: { userId: person.id, roleId },
  })
  if (status !== 201) throw new Error(`user-roles answered ${status}: ${JSON.stringify(body)}`)
  return person
}
