// npm run docs: renews the parts of the documents that are written from declarations.
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describeEvents } from './docs/events.ts'
import { describeMetrics } from './docs/metrics.ts'
import { describeRights } from './docs/rights.ts'
import { replaceSection } from './docs/sections.ts'

const docs = join(resolve(dirname(import.meta.filename), '..'), 'docs')
for (const [name, section, text] of [
  ['protocol.md', 'events', describeEvents()],
  ['rights.md', 'rights', describeRights()],
  ['metrics.md', 'metrics', describeMetrics()],
] as const) {
  const path = join(docs, name)
  const before = await readFile(path, 'utf8')
  const after = replaceSection(before, section, text)
  if (after !== before) await writeFile(path, after)
  console.log(after === before ? `docs/${name} is in step` : `docs/${name} is renewed`)
}
