// npm run docs: renews the parts of the documents that are written from declarations.
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describeEvents } from './docs/events.ts'
import { describeMetrics } from './docs/metrics.ts'
import { replaceSection } from './docs/sections.ts'

const docs = join(resolve(dirname(import.meta.filename), '..'), 'docs')
const sections = [
  { file: 'protocol.md', name: 'events', content: describeEvents() },
  { file: 'metrics.md', name: 'metrics', content: describeMetrics() },
]
for (const { file, name, content } of sections) {
  const before = await readFile(join(docs, file), 'utf8')
  const after = replaceSection(before, name, content)
  if (after !== before) await writeFile(join(docs, file), after)
  console.log(`docs/${file} is ${after === before ? 'in step' : 'renewed'}`)
}
