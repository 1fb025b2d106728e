import { whenBack } from './back.ts'

const reloadedKey = 'pp:reloaded'
const againMs = 60_000
const checkMs = 10_000
const styleRetryMs = 5_000

/** Looks after parts of the page that could not be loaded: what they were loaded by can be called again. */
export function watchChunks(): void {
  addEventListener('vite:preloadError', () => {
    renew().catch((error) => console.debug('The server cannot be asked whether the page is still its own', error))
  })
  // What loads parts takes a style sheet that failed for one that is there: the part would come without it.
  const replace = ({ target }: Event) => {
    if (!(target instanceof HTMLLinkElement) || target.rel !== 'stylesheet') return
    target.remove()
    replaceLater(target.href)
  }
  addEventListener('error', replace, { capture: true })
}

/** Asks for a style sheet again: when the connection is back, or after a while. */
function replaceLater(href: string): void {
  const again = () => {
    end()
    clearTimeout(timer)
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.crossOrigin = ''
    link.href = href
    document.head.append(link)
  }
  const end = whenBack(again)
  const timer = setTimeout(again, styleRetryMs)
}

/**
 * A page from before an update asks for files that are gone: the new page has the new names. Without a network nothing
 * may be loaded anew: there would be no page any more. Once in a while, or it would never end.
 */
async function renew(): Promise<void> {
  const entry = document.querySelector<HTMLScriptElement>('script[type=module][src]')
  if (!entry || Date.now() - Number(sessionStorage.getItem(reloadedKey) ?? 0) < againMs) return
  const { status } = await fetch(entry.src, {
    method: 'HEAD',
    cache: 'no-store',
    signal: AbortSignal.timeout(checkMs),
  })
  if (status !== 404) return
  sessionStorage.setItem(reloadedKey, String(Date.now()))
  location.reload()
}

/** Loads a part before it is wanted, once there is nothing else to do: it is there without a network then. */
export function warm(load: () => Promise<unknown>): void {
  const work = () => void load().catch((error) => console.debug('A part could not be loaded yet', error))
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work, { timeout: 5_000 })
  else setTimeout(work, 1_000)
}
