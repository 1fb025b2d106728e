/**
 * The path of a file that this server serves, from the address that it is known by: the page may have been reached by
 * another name than the public one. Null for anything elsewhere, which the page does not load.
 */
export function ownPath(url: unknown): string | null {
  if (typeof url !== 'string' || !URL.canParse(url, location.origin)) return null
  const { pathname, search, origin } = new URL(url, location.origin)
  return origin === location.origin || pathname.startsWith('/api/v1/') ? pathname + search : null
}
