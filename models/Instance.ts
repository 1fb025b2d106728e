import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Instance = defineEntity('Instance', {
  description: 'A running process of the service',
  archive: { leftOut: 'processes are not data' },
  collection: 'instances',
  fields: { id: f.id(), startedAt: f.time(), heartbeatAt: f.time() },
  indexes: [{ keys: { heartbeatAt: 1 }, serves: 'which instances have died' }],
})
export type InstanceDoc = Stored<typeof Instance>
