/*
 * Shows what the server pushes while no page is open. It keeps nothing and answers no requests: pages load as if it
 * were not there.
 */

/** Where a notification leads, by the ids that came with it. */
function placeOf({ type, payload = {} }) {
  const id = (name) => (typeof payload[name] === 'string' ? encodeURIComponent(payload[name]) : undefined)
  if (type === 'NewMessage' && id('roomId')) return `/rooms/${id('roomId')}`
  if (type === 'NewMessage') return `/messages/${id('userId') ?? id('actorId') ?? ''}`
  if (id('audioFileId')) return `/sound/${id('audioFileId')}`
  if (payload.targetType === 'AudioFile' && id('targetId')) return `/sound/${id('targetId')}`
  if (id('projectId')) return `/boards/${id('projectId')}`
  return id('actorId') ? `/people/${id('actorId')}` : '/notifications'
}

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('push', (event) => {
  let news = {}
  try {
    news = event.data?.json() ?? {}
  } catch (error) {
    // Something must be shown for every push, or the browser takes the leave back.
    console.warn('A push could not be read', error)
  }
  const text = typeof news.text === 'string' ? news.text : ''
  const options = { body: text, tag: news.id, icon: '/favicon.svg', data: { path: placeOf(news) } }
  event.waitUntil(self.registration.showNotification('Phantom Power', options))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const path = event.notification.data?.path ?? '/'
  event.waitUntil(
    (async () => {
      const [page] = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
      if (!page) return self.clients.openWindow(path)
      await page.focus()
      return page.navigate(path)
    })(),
  )
})
