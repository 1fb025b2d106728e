import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'

/** The web client as it is served: all of it in memory, so that a new build on the disk mixes with nothing. */
export interface Web {
  /** Answers a path, as a file or as the page; null for what belongs to neither. */
  answer(request: Request): Response | null
}

interface Asset {
  type: string
  /** Its name holds a hash of what is in it. */
  hashed: boolean
  etag: string
  plain: Buffer
  br: Buffer | undefined
  gzip: Buffer | undefined
}

/** A build this large is no build of ours. */
const mostBytes = 64 * 1024 * 1024

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

/** What the page may do: nothing from elsewhere, no script or style but our files. Sockets are of the same origin. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self' ws: wss:",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Paths that are never a page. */
const noPage = /^\/(api|socket\.io|assets|healthz|readyz|metrics)(\/|$)/

/** Reads the build that `home`/current names; null where there is none. */
export async function loadWeb(home: string): Promise<Web | null> {
  let folder: string
  try {
    folder = join(home, (await readFile(join(home, 'current'), 'utf8')).trim())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const assets = await readAssets(folder)
  const page = assets.get('/index.html')
  if (!page) throw new Error(`${folder} has no index.html: build the web client anew`)
  return {
    answer(request) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return null
      const { pathname } = new URL(request.url)
      const asset = pathname === '/index.html' ? undefined : assets.get(pathname)
      if (asset) return respond(asset, request)
      // The root is the page whoever asks; elsewhere programs that ask for JSON are told that there is nothing.
      const wantsPage =
        pathname === '/' || (request.headers.get('Accept')?.includes('text/html') && !noPage.test(pathname))
      return wantsPage ? respond(page, request) : null
    },
  }
}

async function readAssets(folder: string): Promise<Map<string, Asset>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const contents = new Map<string, Buffer>()
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const content = await readFile(path)
    bytes += content.length
    if (bytes > mostBytes) throw new Error(`${folder} holds more than ${mostBytes} bytes`)
    contents.set(`/${relative(folder, path).replaceAll('\\', '/')}`, content)
  }
  const assets = new Map<string, Asset>()
  for (const [path, plain] of contents) {
    if (/\.(br|gz)$/.test(path)) continue
    assets.set(path, {
      type: types[extname(path)] ?? 'application/octet-stream',
      hashed: path.startsWith('/assets/'),
      etag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
      plain,
      br: contents.get(`${path}.br`),
      gzip: contents.get(`${path}.gz`),
    })
  }
  return assets
}

function respond(asset: Asset, request: Request): Response {
  const accepted = request.headers.get('Accept-Encoding') ?? ''
  const encoding = asset.br && /\bbr\b/.test(accepted) ? 'br' : asset.gzip && /\bgzip\b/.test(accepted) ? 'gzip' : null
  const etag = `"${asset.etag}${encoding ? `-${encoding}` : ''}"`
  const headers = new Headers({
    'Content-Type': asset.type,
    'Cache-Control': asset.hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: etag,
    Vary: 'Accept-Encoding',
  })
  if (asset.type.startsWith('text/html')) {
    headers.set('Content-Security-Policy', policy)
    headers.set('Cross-Origin-Opener-Policy', 'same-origin')
  }
  if (request.headers.get('If-None-Match')?.includes(etag)) return new Response(null, { status: 304, headers })
  if (encoding) headers.set('Content-Encoding', encoding)
  const body = encoding === 'br' ? asset.br! : encoding === 'gzip' ? asset.gzip! : asset.plain
  return new Response(new Uint8Array(body), { headers })
}
