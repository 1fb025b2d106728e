import { api } from './api.ts'
import { session } from './session.svelte.ts'

/** Whose notifications this browser takes: another who signs in here is not asked for theirs. */
const key = 'pp:push'
const workerPath = '/push-worker.js'

export type PushState = 'unknown' | 'unsupported' | 'denied' | 'off' | 'on'

/** Notifications that come while no page is open. */
class Push {
  state = $state<PushState>('unknown')
  isBusy = $state(false)

  /** Looks how it is, and tells the server again where it is on: a subscription lasts as long as its log-in. */
  async look(): Promise<void> {
    if (!isSupported()) {
      this.state = 'unsupported'
      return
    }
    if (Notification.permission === 'denied') {
      this.state = 'denied'
      return
    }
    const isOwn = localStorage.getItem(key) === session.userId
    const subscription = isOwn ? await present() : null
    if (subscription) await api('POST', '/me/push-subscriptions', subscription.toJSON())
    this.state = subscription ? 'on' : 'off'
  }

  /** Asks for leave and subscribes. Rejects with the browser's own error where its push service refuses. */
  async turnOn(): Promise<void> {
    await this.#work(async () => {
      const permission = await Notification.requestPermission()
      if (permission !== 'granted') {
        this.state = permission === 'denied' ? 'denied' : 'off'
        return
      }
      const registration = await navigator.serviceWorker.register(workerPath)
      await navigator.serviceWorker.ready
      const { publicKey } = await api<{ publicKey: string }>('GET', '/push/public-key')
      // One of another key, as of a server before this one, stands in the way.
      const before = await registration.pushManager.getSubscription()
      if (before && localStorage.getItem(key) === null) await before.unsubscribe()
      const options = { userVisibleOnly: true, applicationServerKey: publicKey }
      const subscription = await registration.pushManager.subscribe(options)
      await api('POST', '/me/push-subscriptions', subscription.toJSON())
      localStorage.setItem(key, session.userId)
      this.state = 'on'
    })
  }

  async turnOff(): Promise<void> {
    await this.#work(async () => {
      const subscription = await present()
      if (subscription) {
        await api('DELETE', '/me/push-subscriptions', { endpoint: subscription.endpoint })
        await subscription.unsubscribe()
      }
      localStorage.removeItem(key)
      this.state = 'off'
    })
  }

  async #work(work: () => Promise<void>): Promise<void> {
    if (this.isBusy) return
    this.isBusy = true
    try {
      await work()
    } finally {
      this.isBusy = false
    }
  }
}

const isSupported = () => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window

async function present(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration()
  return (await registration?.pushManager.getSubscription()) ?? null
}

export const push = new Push()
