import { channels } from '../../kernel/channels.ts'
import { AppError, invalid } from '../../kernel/errors.ts'
import type { SocketHandle } from '../../kernel/event.ts'
import type { Emitter } from '../../kernel/ports.ts'
import { type KnownPresence, looksSame, nobody, ownPresence, type PresenceWire, publicPresence } from './status.ts'

/** The most users that a socket watches (contract, section 6), and that all sockets of an instance watch. */
const maxWatchedBySocket = 1_000
const maxWatched = 500_000

interface Watched {
  /** What was told last; null until it is first known. */
  known: KnownPresence | null
  watchers: number
}

interface Watcher {
  userId: string
  socket: SocketHandle
  /** The users watched, and whether they hide from this watcher. */
  targets: Map<string, 'pending' | 'shown' | 'hidden'>
}

/** Who on this instance watches whom, and what they were told last. */
export function createWatching({ emitter }: { emitter: Emitter }) {
  const watchers = new Map<string, Watcher>()
  const watchersOf = new Map<string, Set<Watcher>>()
  const watched = new Map<string, Watched>()

  const roomOf = (watcher: Watcher, target: string) =>
    target === watcher.userId ? channels.ownPresence(target) : channels.presence(target)

  function drop(watcher: Watcher, target: string) {
    if (!watcher.targets.delete(target)) return
    const entry = watched.get(target)!
    entry.watchers--
    if (entry.watchers === 0) watched.delete(target)
  }

  function learn(known: KnownPresence) {
    const entry = watched.get(known.userId)
    if (!entry) return
    const before = entry.known
    if (before && known.rev < before.rev) return
    // Activity is noted without a change of its own.
    if (before && known.rev === before.rev && (known.lastActiveAt ?? '') <= (before.lastActiveAt ?? '')) return
    entry.known = known
    if (!before) return
    const seen = publicPresence(known)
    if (!looksSame(seen, publicPresence(before))) emitter.emitLocal(channels.presence(known.userId), 'presence', seen)
    const own = ownPresence(known)
    if (!looksSame(own, ownPresence(before))) emitter.emitLocal(channels.ownPresence(known.userId), 'presence', own)
  }

  return {
    get size() {
      return watched.size
    },
    watches: (userId: string) => watched.has(userId),
    userIds: () => [...watched.keys()],
    /** Takes in newer states, and tells the watchers what looks different for them. */
    learn(changes: KnownPresence[]) {
      for (const known of changes) learn(known)
    },

    /**
     * Counts targets as watched by a socket; they are told of only after `reveal`. Returns a function that takes back
     * those that are new. Throws `invalid` beyond the bound.
     */
    add(userId: string, socket: SocketHandle, targets: string[]): () => void {
      const watcher = watchers.get(socket.id) ?? { userId, socket, targets: new Map() }
      const fresh = targets.filter((target) => !watcher.targets.has(target))
      if (watcher.targets.size + fresh.length > maxWatchedBySocket) {
        throw invalid(`A connection watches at most ${maxWatchedBySocket} users at once`, 'userIds')
      }
      if (watched.size + fresh.length > maxWatched) throw new AppError('unavailable', 'Too many users are watched here')
      if (fresh.length === 0) return () => {}
      watchers.set(socket.id, watcher)
      const ofUser = watchersOf.get(userId) ?? new Set()
      watchersOf.set(userId, ofUser.add(watcher))
      for (const target of fresh) {
        watcher.targets.set(target, 'pending')
        const entry = watched.get(target) ?? { known: null, watchers: 0 }
        entry.watchers++
        watched.set(target, entry)
      }
      return () => this.remove(socket, fresh)
    },

    /** From now on the socket is told of the targets, but for those that hide from it. Returns how they are now. */
    reveal(socket: SocketHandle, states: KnownPresence[], targets: string[], hiders: Set<string>): PresenceWire[] {
      const byId = new Map(states.map((state) => [state.userId, state]))
      for (const target of targets) learn(byId.get(target) ?? nobody(target))
      const watcher = watchers.get(socket.id)
      if (watcher) this.hide(watcher, targets, hiders)
      return targets.map((target) => {
        // Told meanwhile counts more than what was read; where the socket is gone, nobody reads this.
        const known = watched.get(target)?.known ?? byId.get(target) ?? nobody(target)
        if (hiders.has(target)) return publicPresence(nobody(target))
        return watcher?.userId === target ? ownPresence(known) : publicPresence(known)
      })
    },

    /** Lets a watcher hear of those targets that do not hide from it, and tells it where that changed. */
    hide(watcher: Watcher, targets: Iterable<string>, hiders: Set<string>) {
      const joined: string[] = []
      const left: string[] = []
      for (const target of targets) {
        const before = watcher.targets.get(target)
        if (before === undefined) continue
        const now = hiders.has(target) ? 'hidden' : 'shown'
        if (before === now) continue
        watcher.targets.set(target, now)
        if (now === 'shown') joined.push(roomOf(watcher, target))
        else if (before === 'shown') left.push(roomOf(watcher, target))
        const known = watched.get(target)?.known
        if (before === 'pending' || !known) continue
        const [shown, hidden] = [publicPresence(known), publicPresence(nobody(target))]
        if (!looksSame(shown, hidden)) watcher.socket.emit('presence', now === 'shown' ? shown : hidden)
      }
      if (joined.length > 0) watcher.socket.join(joined)
      if (left.length > 0) watcher.socket.leave(left)
    },

    /** The sockets of a user that watch somebody. */
    of: (userId: string): Iterable<Watcher> => watchersOf.get(userId) ?? [],
    watcherIds: () => [...watchersOf.keys()],

    /** A socket watches the targets no more, or, without them, none at all. */
    remove(socket: { id: string }, targets?: string[]) {
      const watcher = watchers.get(socket.id)
      if (!watcher) return
      const gone = targets ? targets.filter((target) => watcher.targets.has(target)) : [...watcher.targets.keys()]
      for (const target of gone) drop(watcher, target)
      if (targets) watcher.socket.leave(gone.map((target) => roomOf(watcher, target)))
      if (watcher.targets.size > 0) return
      watchers.delete(socket.id)
      const ofUser = watchersOf.get(watcher.userId)
      ofUser?.delete(watcher)
      if (ofUser?.size === 0) watchersOf.delete(watcher.userId)
    },
  }
}
