import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { errorStatus } from '../kernel/errors.ts'
import type { HttpEnv } from './exchange.ts'
import { problemTitles } from './problem.ts'

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const html = (text: unknown) => String(text).replace(/[&<>"']/g, (character) => escapes[character]!)

/** What the pages load, from the packages as they are installed: nothing comes from elsewhere. */
const assets: Record<string, { file: string; type: string }> = {
  'swagger-ui.css': { file: 'swagger-ui-dist/swagger-ui.css', type: 'text/css; charset=utf-8' },
  'swagger-ui-bundle.js': { file: 'swagger-ui-dist/swagger-ui-bundle.js', type: 'text/javascript; charset=utf-8' },
  'asyncapi.css': { file: '@asyncapi/react-component/styles/default.min.css', type: 'text/css; charset=utf-8' },
  'asyncapi.js': {
    file: '@asyncapi/react-component/browser/standalone/index.js',
    type: 'text/javascript; charset=utf-8',
  },
}

const look = `:root { color-scheme: light }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; background: #fff; color: #1a1a1a }
nav { display: flex; gap: 1.25rem; padding: .75rem 1.25rem; border-bottom: 1px solid #ddd; align-items: baseline }
nav strong { font-size: 1.1rem } nav a { color: #1f5f8b }
.errors { max-width: 1460px; margin: 0 auto; padding: 0 1.25rem 4rem } .errors td { padding: .2rem 1.5rem .2rem 0 }
:target { outline: 2px solid #1f5f8b }`

/** The scripts that start the pages; files of their own, so that the policy needs no leave for inline ones. */
const starts = {
  'rest.js': `SwaggerUIBundle({
  url: '/api/openapi.json', dom_id: '#api', deepLinking: true, docExpansion: 'none', filter: true,
  displayOperationId: false, persistAuthorization: false, tryItOutEnabled: true, validatorUrl: null,
})`,
  'events.js': `AsyncApiStandalone.render(
  { schema: { url: '/api/asyncapi.json' }, config: { show: { sidebar: false, errors: true }, expand: { messageExamples: true } } },
  document.getElementById('api'),
)`,
}

function page(title: string, style: string, scripts: string[], after = ''): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/assets/${style}"><link rel="stylesheet" href="/api/docs/assets/look.css"></head><body>
<nav><strong>Phantom Power</strong> <a href="/api/docs">REST</a> <a href="/api/docs/events">Socket events</a>
<a href="/api/openapi.json">openapi.json</a> <a href="/api/asyncapi.json">asyncapi.json</a></nav>
<main id="api"><noscript>These pages need JavaScript; the documents themselves do not.</noscript></main>
${after}
${scripts.map((name) => `<script src="/api/docs/assets/${name}" defer></script>`).join('\n')}
</body></html>`
}

/** What each error code means; problem documents point here. */
function errorTable(): string {
  const rows = Object.entries(errorStatus).map(
    ([code, status]) =>
      `<tr id="error-${code}"><td>${status}</td><td><code>${code}</code></td><td>${html(problemTitles[code as keyof typeof errorStatus])}</td></tr>`,
  )
  return `<section class="errors" aria-labelledby="errors"><h2 id="errors">Errors</h2>
<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`
}

// Both pages set styles on elements; the events' page compiles schemas into functions.
const policy = (scripts: string) =>
  `default-src 'none'; script-src ${scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The API's pages: REST to read and try at `/api/docs`, socket events at `/api/docs/events`; assets are read once, when first asked for. */
export function docsPages(): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  const { resolve } = createRequire(import.meta.url)
  const cache = new Map<string, { plain: Uint8Array<ArrayBuffer>; gzip: Uint8Array<ArrayBuffer>; type: string }>()

  async function load(name: string) {
    const known = cache.get(name)
    if (known) return known
    const source = assets[name]
    const text = name === 'look.css' ? look : starts[name as keyof typeof starts]
    if (!source && text === undefined) return null
    const plain = source ? await readFile(resolve(source.file)) : Buffer.from(text!)
    const type = source?.type ?? `text/${name.endsWith('.css') ? 'css' : 'javascript'}; charset=utf-8`
    const asset = { plain: new Uint8Array(plain), gzip: new Uint8Array(gzipSync(plain)), type }
    cache.set(name, asset)
    return asset
  }

  app.get('/', (c) => {
    c.header('Content-Security-Policy', policy("'self'"))
    return c.html(page('Phantom Power: REST', 'swagger-ui.css', ['swagger-ui-bundle.js', 'rest.js'], errorTable()))
  })
  app.get('/events', (c) => {
    c.header('Content-Security-Policy', policy("'self' 'unsafe-eval'"))
    return c.html(page('Phantom Power: socket events', 'asyncapi.css', ['asyncapi.js', 'events.js']))
  })
  app.get('/assets/:name', async (c) => {
    const asset = await load(c.req.param('name'))
    if (!asset) return c.notFound()
    const zipped = /\bgzip\b/.test(c.req.header('Accept-Encoding') ?? '')
    c.header('Content-Type', asset.type)
    c.header('Cache-Control', 'public, max-age=3600')
    c.header('Vary', 'Accept-Encoding')
    if (zipped) c.header('Content-Encoding', 'gzip')
    return c.body(zipped ? asset.gzip : asset.plain)
  })
  return app
}
