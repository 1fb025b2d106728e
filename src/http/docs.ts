import { errorStatus } from '../kernel/errors.ts'
import { problemTitles } from './problem.ts'

type Json = Record<string, any>

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const html = (text: unknown) => String(text).replace(/[&<>"']/g, (character) => escapes[character]!)

/** A page that lists what an OpenAPI document holds; needs nothing from elsewhere. */
export function docsPage(document: Json): string {
  const sections = (document['tags'] as Json[]).map((tag) => section(document, tag['name'])).join('')
  const errors = Object.entries(errorStatus).map(
    ([code, status]) =>
      `<tr id="error-${code}"><td>${status}</td><td><code>${code}</code></td><td>${html(problemTitles[code as keyof typeof errorStatus])}</td></tr>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${html(document['info'].title)} API</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer } pre { overflow: auto; padding: .75rem; border: 1px solid #8886; border-radius: .25rem }
td { padding-right: 1.5rem; vertical-align: top } :target { outline: 2px solid }
</style></head><body>
<h1>${html(document['info'].title)} API</h1>
<p>${html(document['info'].description)} The document itself: <a href="/api/openapi.json">OpenAPI</a>;
socket events: <a href="/api/asyncapi.json">AsyncAPI</a>.</p>
${sections}
<h2>Errors</h2><table>${errors.join('')}</table>
</body></html>`
}

function section(document: Json, tag: string): string {
  const rows: string[] = []
  for (const [path, item] of Object.entries(document['paths'] as Json)) {
    for (const [method, operation] of Object.entries(item as Json)) {
      if (operation.tags[0] !== tag) continue
      const { summary, operationId, tags: _tags, ...rest } = operation
      rows.push(`<details id="${html(operationId)}"><summary><code>${method.toUpperCase()} ${html(path)}</code>
${html(summary)}</summary><pre>${html(JSON.stringify(rest, null, 2))}</pre></details>`)
    }
  }
  return `<h2>${html(tag)}</h2>${rows.join('')}`
}
