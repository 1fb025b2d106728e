import type { Component } from 'svelte'

export interface Page {
  /** `/rooms/:roomId?/:seq?`: `:name` is a part of the path, with `?` it may be missing. */
  path: string
  load: () => Promise<{ default: Component<any> }>
  /** Who may see it: those signed in (the default), those signed out, or both. */
  for?: 'in' | 'out' | 'all'
  /** On a phone it takes the whole screen, without the bar at the bottom. */
  isDeep?: (params: Params) => boolean
}

export type Params = Record<string, string | undefined>

/** Where we are; follows the browser's history. */
class Router {
  path = $state(location.pathname)
  search = $state(location.search)
  hash = $state(location.hash)

  constructor() {
    addEventListener('popstate', () => this.#read())
  }

  /** Goes to a path of this site. `replace` leaves no step behind to come back to. */
  go(to: string, { replace = false } = {}): void {
    const url = new URL(to, location.origin)
    const next = url.pathname + url.search + url.hash
    if (next === location.pathname + location.search + location.hash) return
    if (replace) history.replaceState(null, '', next)
    else history.pushState(null, '', next)
    this.#read()
  }

  /** Takes a click on a link of ours; leaves those that are meant for the browser. */
  take(event: MouseEvent): void {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    const link = (event.target as Element | null)?.closest?.('a')
    if (!link?.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
    if (/^\/(api|socket\.io|files|assets)\//.test(link.pathname)) return
    // A place on the same page is the browser's.
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return
    event.preventDefault()
    this.go(link.pathname + link.search + link.hash)
  }

  #read(): void {
    this.path = location.pathname
    this.search = location.search
    this.hash = location.hash
  }
}

/** The parameters of a path under a pattern, or null where it does not fit. */
export function matchPath(pattern: string, path: string): Params | null {
  const wanted = pattern.split('/').filter(Boolean)
  const given = path.split('/').filter(Boolean)
  if (given.length > wanted.length) return null
  const params: Params = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index]
    if (part.startsWith(':')) {
      if (value === undefined && !part.endsWith('?')) return null
      params[part.replace(/^:|\?$/g, '')] = value === undefined ? undefined : decode(value)
    } else if (value !== part) return null
  }
  return params
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign: the text as it stands names nothing, and the page says so.
    return text
  }
}

export const router = new Router()
