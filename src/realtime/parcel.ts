import type { Socket } from 'node:net'
import type { Frame } from './frame.ts'
import type { Link } from './link.ts'

/** Who a shared frame is for: a room's Set of socket ids, or the adapter's Map of all. */
export type Members = ReadonlySet<string> | ReadonlyMap<string, unknown>
/** An adapter's connections by socket id. */
export type Links = ReadonlyMap<string, Link>

/** Frames to one or many connections in one write; `joined` is made once and shared by all who get the same. */
export interface Parcel {
  frames: Frame[]
  bytes: number
  joined: Buffer | null
}

/** Frames in the order of emission, with their places in the turn's order. */
export interface Run {
  frames: Frame[]
  at: number[]
}

/** A room's frames of this turn. */
export interface Group extends Run, Parcel {
  ordinal: number
  members: Members
  links: Links
}

/** What only one connection gets is copied together up to this size; above it goes out as a vector, uncopied. */
const MAX_COPY_BYTES = 16 * 1024

/** The frames of several groups and of a connection's own, in the order of emission. */
export function merge(link: Link | null, groups: Group[]): Parcel {
  let run: Run | null = link?.own ?? null
  for (const group of groups) {
    const part = link ? pick(group, link.from, link.skips) : group
    run = run ? zip(run, part) : part
  }
  const frames = run?.frames ?? []
  let bytes = 0
  for (const frame of frames) bytes += frame.bytes.length
  return { frames, bytes, joined: null }
}

/** What of a run is for a connection that gets it from one place on, without some. */
function pick(run: Run, from: number, skips: number[] | null): Run {
  if (!skips && (run.at.length === 0 || run.at[0]! >= from)) return run
  const picked: Run = { frames: [], at: [] }
  // Both ascend, so that one pass will do.
  let skip = 0
  for (let i = 0; i < run.at.length; i++) {
    const at = run.at[i]!
    while (skips && skip < skips.length && skips[skip]! < at) skip++
    if (at < from || skips?.[skip] === at) continue
    picked.at.push(at)
    picked.frames.push(run.frames[i]!)
  }
  return picked
}

function zip(a: Run, b: Run): Run {
  const zipped: Run = { frames: [], at: [] }
  for (let i = 0, j = 0; i < a.at.length || j < b.at.length; ) {
    const fromA = j === b.at.length || (i < a.at.length && a.at[i]! < b.at[j]!)
    const run = fromA ? a : b
    const k = fromA ? i++ : j++
    zipped.at.push(run.at[k]!)
    zipped.frames.push(run.frames[k]!)
  }
  return zipped
}

/** Writes a parcel as one chunk, or uncopied as one vector where it is large and nobody shares it. */
export function write(tcp: Socket, parcel: Parcel): void {
  const { frames } = parcel
  if (frames.length === 1) tcp.write(frames[0]!.bytes)
  else if (parcel.joined) tcp.write(parcel.joined)
  else if (parcel.bytes <= MAX_COPY_BYTES || 'members' in parcel) {
    parcel.joined = Buffer.concat(
      frames.map((frame) => frame.bytes),
      parcel.bytes,
    )
    tcp.write(parcel.joined)
  } else {
    tcp.cork()
    for (const frame of frames) tcp.write(frame.bytes)
    tcp.uncork()
  }
}
