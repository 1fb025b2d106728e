import DOMPurify from 'dompurify'
import { Marked } from 'marked'

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (sign) => escapes[sign]!)

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: {
    // HTML that somebody typed is shown, not read.
    html: ({ text }) => escapeHtml(text),
    // Nothing is loaded from elsewhere: a picture is a link to it.
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
  },
})
const purify = DOMPurify(window)

/** Elements that a message may be made of; nothing that loads, runs or asks for input. */
const allowed = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a', 'hr'],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'span'],
  ],
  ALLOWED_ATTR: ['href', 'start', 'class'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|\/(?!\/))/i,
}

purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.nodeName === 'A') {
    const href = node.getAttribute('href')
    if (!href) return
    // Our own pages open here, all else in a tab that knows nothing of this one.
    if (!href.startsWith('/') && !href.startsWith(`${location.origin}/`)) {
      node.setAttribute('target', '_blank')
      node.setAttribute('rel', 'noopener noreferrer nofollow')
    }
  }
  // Classes are for our own marks alone.
  if (node.nodeName !== 'SPAN') node.removeAttribute('class')
})

const mostCached = 800
const cache = new Map<string, string>()

/** A message's Markdown as HTML that is safe to show. `names`: whom it mentions, to be marked. */
export function renderMarkdown(text: string, names: { name: string; isMe: boolean }[] = []): string {
  const key = `${text}\u0000${names.map(({ name, isMe }) => `${name}${isMe}`).join('\u0000')}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const clean = purify.sanitize(marked.parse(text) as string, { ...allowed, RETURN_DOM_FRAGMENT: true })
  for (const { name, isMe } of names) markName(clean, name, isMe)
  const holder = document.createElement('div')
  holder.append(clean)
  const html = holder.innerHTML
  if (cache.size >= mostCached) cache.delete(cache.keys().next().value!)
  cache.set(key, html)
  return html
}

/** The words of a message without its marks, in one line. */
export function plainText(text: string): string {
  const words = text
    .replace(/```[\s\S]*?```/g, ' … ')
    .replace(/[*_~`>#]+/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  return words.replace(/\s+/g, ' ').trim()
}

function markName(root: Node, name: string, isMe: boolean): void {
  const wanted = `@${name}`.toLowerCase()
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  const texts: Text[] = []
  while (walker.nextNode()) texts.push(walker.currentNode as Text)
  for (const text of texts) {
    if (text.parentElement?.closest('code, .mention')) continue
    for (let at = text.data.toLowerCase().indexOf(wanted), rest = text; at >= 0; ) {
      const found = rest.splitText(at)
      const next = found.splitText(wanted.length)
      const mark = document.createElement('span')
      mark.className = isMe ? 'mention me' : 'mention'
      found.replaceWith(mark)
      mark.append(found)
      rest = next
      at = rest.data.toLowerCase().indexOf(wanted)
    }
  }
}
