// npm run docs: renews the parts of the documents that are written from declarations.
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describeEvents } from './docs/events.ts'
import { replaceSection } from './docs/sections.ts'

const guide = join(resolve(dirname(import.meta.filename), '..'), 'docs/protocol.md')
const before = await readFile(guide, 'utf8')
const after = replaceSection(before, 'events', describeEvents())
if (after !== before) await writeFile(guide, after)
console.log(after === before ? 'docs/protocol.md is in step' : 'docs/protocol.md is renewed')
