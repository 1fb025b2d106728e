import type { PresenceDoc } from '../../../models/Presence.ts'

export type ChosenStatus = PresenceDoc['chosen']
export type PresenceStatus = ChosenStatus | 'offline'

/** What is known of a user's presence; instances tell each other in this form. */
export interface KnownPresence {
  userId: string
  /** Whether any instance holds a device. */
  connected: boolean
  chosen: ChosenStatus
  text: string
  /** ISO 8601; null for one who was never here. */
  lastActiveAt: string | null
  rev: number
}

/** What others get to see. */
export interface PresenceWire {
  userId: string
  status: PresenceStatus
  text: string
  lastActiveAt: string | null
}

export const knownOf = (doc: PresenceDoc): KnownPresence => ({
  userId: doc._id,
  connected: doc.instances.length > 0,
  chosen: doc.chosen,
  text: doc.text,
  lastActiveAt: doc.lastActiveAt?.toISOString() ?? null,
  rev: doc.rev,
})

/** One who was never here, or of whom nothing may be told. */
export const nobody = (userId: string): KnownPresence => ({
  userId,
  connected: false,
  chosen: 'online',
  text: '',
  lastActiveAt: null,
  rev: 0,
})

/** A presence as others see it: an invisible user is offline. */
export const publicPresence = (known: KnownPresence): PresenceWire => show(known, known.chosen !== 'invisible')

/** A presence as its user's own sockets see it. */
export const ownPresence = (known: KnownPresence): PresenceWire => show(known, true)

function show({ userId, connected, chosen, text, lastActiveAt }: KnownPresence, visible: boolean): PresenceWire {
  const there = connected && visible
  return { userId, status: there ? chosen : 'offline', text: there ? text : '', lastActiveAt }
}

/** Whether a watcher would see no difference; `lastActiveAt` alone is no news. */
export const looksSame = (a: PresenceWire, b: PresenceWire) => a.status === b.status && a.text === b.text
