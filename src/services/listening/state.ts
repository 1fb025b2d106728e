import type { ListenSessionDoc, listenEnds } from '../../../models/ListenSession.ts'

export type ListenAction = 'play' | 'pause' | 'seek' | 'stop'
type ListenEnd = (typeof listenEnds)[number]

/** What of a session a change sets; its number and the time of the change are the store's to set. */
export type ListenFields = Omit<ListenSessionDoc, '_id' | 'rev' | 'changedAt'>

/** How long something that is paused, or whose duration is not known, goes on without a change. */
const idleMs = 24 * 3_600_000

/** Where the track is at `now` (milliseconds since the epoch by MongoDB's clock), in milliseconds. */
function positionAt(
  { playing, positionMs, at, durationMs }: Pick<ListenFields, 'playing' | 'positionMs' | 'at' | 'durationMs'>,
  now: number,
): number {
  const gone = playing ? Math.max(0, now - at.getTime()) : 0
  return Math.min(positionMs + gone, durationMs ?? Number.POSITIVE_INFINITY)
}

function endOf({ playing, positionMs, durationMs }: Pick<ListenFields, 'playing' | 'positionMs' | 'durationMs'>) {
  return playing && durationMs !== null ? Math.max(0, durationMs - positionMs) : idleMs
}

/** A position that was asked for, within the track. */
const within = (positionMs: number, durationMs: number | null) =>
  Math.round(Math.min(positionMs, durationMs ?? positionMs))

/** The state in which a track begins to play. */
export function startOf(
  track: { audioFileId: string; durationMs: number | null; positionMs: number },
  by: string,
  now: number,
): ListenFields {
  const { audioFileId, durationMs } = track
  const place = { playing: true, positionMs: within(track.positionMs, durationMs), durationMs }
  return {
    active: true,
    audioFileId,
    ...place,
    at: new Date(now),
    endsAt: new Date(now + endOf(place)),
    by,
    startedBy: by,
    ended: null,
  }
}

/** The state in which nothing is listened to any more. */
export function endedOf(before: ListenSessionDoc, ended: ListenEnd, by: string, now: number): ListenFields {
  return {
    active: false,
    audioFileId: null,
    playing: false,
    positionMs: 0,
    at: new Date(now),
    durationMs: null,
    endsAt: new Date(now),
    by,
    startedBy: before.startedBy,
    ended,
  }
}

/** The state that an action leads to; null where it changes nothing. Positions are in milliseconds. */
export function controlled(
  before: ListenSessionDoc,
  { action, positionMs }: { action: ListenAction; positionMs: number | undefined },
  by: string,
  now: number,
): ListenFields | null {
  if (action === 'stop') return endedOf(before, 'stopped', by, now)
  const playing = action === 'seek' ? before.playing : action === 'play'
  if (positionMs === undefined && playing === before.playing) return null
  const { durationMs } = before
  const place = { playing, positionMs: within(positionMs ?? positionAt(before, now), durationMs), durationMs }
  return {
    active: true,
    audioFileId: before.audioFileId,
    ...place,
    at: new Date(now),
    endsAt: new Date(now + endOf(place)),
    by,
    startedBy: before.startedBy,
    ended: null,
  }
}

/** The same state once the duration of its track is known. */
export function measured(before: ListenSessionDoc, durationMs: number, now: number): ListenFields {
  const place = {
    playing: before.playing,
    positionMs: within(positionAt(before, now), durationMs),
    durationMs,
  }
  const { active, audioFileId, by, startedBy, ended } = before
  return {
    active,
    audioFileId,
    by,
    startedBy,
    ended,
    ...place,
    at: new Date(now),
    endsAt: new Date(now + endOf(place)),
  }
}

/** The state as clients get it. */
export function presentListening(session: ListenSessionDoc) {
  const { _id, rev, audioFileId, playing, positionMs, at, by, startedBy, durationMs, ended } = session
  return {
    roomId: _id,
    audioFileId,
    playing,
    positionMs,
    at: at.toISOString(),
    by,
    rev,
    startedBy,
    ...(durationMs !== null && { durationMs }),
    ...(ended !== null && { ended }),
  }
}
export type ListenStateWire = ReturnType<typeof presentListening>
