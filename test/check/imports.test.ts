import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { checkFile, checkImports, findImports } from '../../scripts/check-imports.ts'

const wrong: [file: string, text: string][] = [
  ['src/kernel/ids.ts', `import { User } from '../../models/user.ts'`],
  ['models/user.ts', `import { can } from '../src/policies/can.ts'`],
  ['src/policies/rooms.ts', `import { createChat } from '../services/chat.ts'`],
  ['src/services/chat.ts', `import { createPresence } from './presence.ts'`],
  ['src/services/chat.ts', `import { type Presence } from './presence.ts'`],
  ['src/services/chat.ts', `import { createLog } from '../log/log.ts'`],
  ['src/services/chat.ts', `import type { Route } from '../http/rooms.ts'`],
  ['rooms/chat/send.ts', `import { users } from '../../src/http/users.ts'`],
  ['src/http/users.ts', `import { connectMongo } from '../infra/mongo.ts'`],
  ['src/infra/mongo.ts', `import { createChat } from '../services/chat.ts'`],
  ['src/infra/mongo.ts', `import { config } from '../config.ts'`],
  ['src/log/log.ts', `import { rooms } from '../../rooms/index.ts'`],
  ['src/realtime/dispatch.ts', `import { createChat } from '../services/chat.ts'`],
  ['src/services/shared/records.ts', `import { createChat } from '../chat/rooms.ts'`],
  ['src/services/shared/records.ts', `import type { Rooms } from '../chat/rooms.ts'`],
  ['src/realtime/welcome.ts', `import { presentDirect } from '../services/direct/kind.ts'`],
  ['src/http/users.ts', `import { assembleServices } from '../assembly.ts'`],
  ['src/client/index.ts', `import { ids } from '../kernel/ids.ts'`],
  ['src/client/index.ts', `import { readFile } from 'node:fs/promises'`],
  ['src/http/users.ts', `import { createApp } from '../app.ts'`],
  ['src/http/users.ts', `import { makeWorld } from '../../test/support/world.ts'`],
  ['src/elsewhere/thing.ts', ''],
]

const right: [file: string, text: string][] = [
  ['models/user.ts', `import { defineEntity } from '../src/kernel/entity.ts'`],
  ['src/services/chat.ts', `import type { Presence } from './presence.ts'`],
  ['src/services/accounts/index.ts', `import { hash } from './passwords.ts'`],
  ['src/services/chat.ts', `import { can } from '../policies/can.ts'`],
  ['src/services/chat/rooms.ts', `import { logRecords } from '../shared/records.ts'`],
  ['src/services/marks.ts', `import { logRecords } from './shared/records.ts'`],
  ['src/services/shared/records.ts', `import { LogEntry } from '../../../models/LogEntry.ts'`],
  ['src/realtime/welcome.ts', `import { isConversation } from '../services/shared/conversation.ts'`],
  [
    'src/assembly.ts',
    `import { createLog } from './log/log.ts'\nimport { createEmitter } from './realtime/emitter.ts'`,
  ],
  ['rooms/chat/send.ts', `import { defineEvent } from '../../src/kernel/event.ts'`],
  ['src/infra/mongo.ts', `import type { Config } from '../config.ts'`],
  ['src/client/index.ts', `import type { Ack } from '../kernel/event.ts'\nimport { io } from 'socket.io-client'`],
  ['src/client/index.ts', `import { retry } from './retry.ts'`],
  ['src/app.ts', `import { createLog } from './log/log.ts'\nimport { routes } from './http/index.ts'`],
  ['scripts/demo.ts', `import { createApp } from '../src/app.ts'`],
  [
    'src/kernel/ids.ts',
    `// import { x } from '../app.ts'\n/* import '../app.ts' */\nconst text = "import '../app.ts'"`,
  ],
]

it.each(wrong)('[CHK-01] refuses in %s: %s', (file, text) => {
  expect(checkFile(file, text).length).toBe(1)
})

it.each(right)('[CHK-02] accepts in %s: %s', (file, text) => {
  expect(checkFile(file, text)).toEqual([])
})

it('[CHK-03] sees every form of an import, with its line', () => {
  const text = [
    `import a, { b as c } from './1.ts'`,
    `import * as d from "./2.ts"`,
    `import './3.ts'`,
    `export * from './4.ts'`,
    `export { e } from './5.ts'`,
    `import type { F } from './6.ts'`,
    `const g = await import('./7.ts')`,
    `import {`,
    `  h,`,
    `  type I,`,
    `} from './8.ts'`,
    `export type { J } from './9.ts'`,
  ].join('\n')
  const found = findImports(text).map(({ specifier, line, typeOnly }) => `${specifier} ${line} ${typeOnly}`)
  expect(found).toEqual([
    './1.ts 1 false',
    './2.ts 2 false',
    './3.ts 3 false',
    './4.ts 4 false',
    './5.ts 5 false',
    './6.ts 6 true',
    './7.ts 7 false',
    './8.ts 11 false',
    './9.ts 12 true',
  ])
})

it('[CHK-04] finds a wrong arrow planted in a project', async () => {
  const root = await mkdtemp(join(tmpdir(), 'phantom-power-imports-'))
  try {
    const plant = async (path: string, text: string) => {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
    await plant('src/kernel/ids.ts', `export const id = 1\nimport { m } from '../../models/user.ts'\n`)
    await plant('models/user.ts', `import { id } from '../src/kernel/ids.ts'\n`)
    expect(await checkImports(root)).toEqual([
      { file: 'src/kernel/ids.ts', line: 2, specifier: '../../models/user.ts', reason: 'kernel may not import models' },
    ])
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})
