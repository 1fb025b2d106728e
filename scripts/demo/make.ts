import { AudioFile } from '../../models/AudioFile.ts'
import { Booking } from '../../models/Booking.ts'
import { Comment } from '../../models/Comment.ts'
import { Playlist } from '../../models/Playlist.ts'
import { Project } from '../../models/Project.ts'
import type { Actor } from '../../src/kernel/actor.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { OpenServices } from '../shared/services.ts'
import { render } from './synth.ts'
import {
  type DemoBooking,
  type DemoProject,
  type DemoRecording,
  follows,
  playlists,
  projects,
  recordings,
} from './works.ts'

type Cast = Map<string, Actor>

/** What people made: recordings by whom and title, playlists and projects by whose and name; what is there stays. */
export async function makeWorks(open: OpenServices, cast: Cast): Promise<{ recordings: number; projects: number }> {
  const { services } = open
  for (const [who, whom] of follows) await services.follows.put(cast.get(who)!, cast.get(whom)!.userId)
  const ids = new Map<string, string>()
  for (const recording of recordings) ids.set(recording.title, await makeRecording(open, cast, recording))
  for (const { by, name, description, isPublic, titles } of playlists) {
    const owner = cast.get(by)!
    const known = await open.database.collection(Playlist).findOne({ ownerId: owner.userId, name })
    const id = known?._id ?? (await services.playlists.create(owner, { name, description, isPublic })).id
    for (const title of titles) {
      await unlessThere(() => services.playlists.tracks.add(owner, id, { audioFileId: ids.get(title)! }))
    }
  }
  for (const project of projects) await makeProject(open, cast, project)
  return { recordings: recordings.length, projects: projects.length }
}

async function makeRecording({ services, database }: OpenServices, cast: Cast, made: DemoRecording): Promise<string> {
  const owner = cast.get(made.by)!
  const { title, description, visibility, tags } = made
  const known = await database.collection(AudioFile).findOne({ userId: owner.userId, title })
  const id = known?._id ?? (await upload())
  async function upload(): Promise<string> {
    const bytes = render(made.piece)
    const { id } = await services.audioFiles.upload(owner, bytes.length, async (store) => {
      await store(oneChunk(bytes), `${title}.wav`)
      return { title, description, visibility, tags }
    })
    return id
  }
  const target = { targetType: 'AudioFile', targetId: id } as const
  for (const who of made.likes) await services.likes.put(cast.get(who)!, target)
  for (const { by, at, text } of made.comments) {
    const actor = cast.get(by)!
    const said = await database.collection(Comment).findOne({ ...target, authorId: actor.userId, content: text })
    if (!said) await services.comments.create(actor, { ...target, content: text, atSeconds: at })
  }
  return id
}

async function* oneChunk(bytes: Uint8Array) {
  yield bytes
}

async function makeProject(open: OpenServices, cast: Cast, made: DemoProject): Promise<void> {
  const { services, database } = open
  const owner = cast.get(made.owner)!
  const { title, description, isOpen } = made
  const known = await database.collection(Project).findOne({ ownerId: owner.userId, title })
  const id = known?._id ?? (await services.projects.create(owner, { title, description, isOpen })).id
  for (const [who, role] of made.members) {
    await unlessThere(() => services.projects.members.add(owner, id, { userId: cast.get(who)!.userId, role }))
  }
  if (!known) {
    const operations = made.cards.map(({ column, title, text, labels, who, dueIn, checklist }) => ({
      op: 'card.add' as const,
      columnId: column,
      title,
      ...(text && { description: text }),
      ...(labels && { labels }),
      ...(who && { assignees: who.map((key) => cast.get(key)!.userId) }),
      ...(dueIn !== undefined && { dueAt: atHour(dueIn, 18).toISOString() }),
      ...(checklist && { checklist: checklist.map(([text, done]) => ({ text, done })) }),
    }))
    await services.projectBoards.operate(owner, id, operations)
  }
  for (const booking of made.bookings) await makeBooking(open, cast, { id, owner }, booking)
}

async function makeBooking(
  { services, database }: OpenServices,
  cast: Cast,
  { id: projectId, owner }: { id: string; owner: Actor },
  { who, role, on, state, isOffer }: DemoBooking,
): Promise<void> {
  const player = cast.get(who)!
  const { userId } = player
  if (await database.collection(Booking).findOne({ projectId, userId, role })) return
  const [asks, answers] = isOffer ? [player, owner] : [owner, player]
  const times = on && { startTime: atHour(on[0], on[1]), endTime: atHour(on[0], on[2]) }
  const { id } = await services.bookings.request(asks, { projectId, userId, role, ...times })
  if (state === 'confirmed' || state === 'completed')
    await services.bookings.update(answers, id, { status: 'confirmed' })
  if (state === 'completed') await services.bookings.update(owner, id, { status: 'completed' })
  if (state === 'cancelled') await services.bookings.update(answers, id, { status: 'cancelled' })
}

/** An hour of a day that is so many days from now. */
function atHour(days: number, hour: number): Date {
  const now = new Date()
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour)
}

/** A second run finds it there already. */
async function unlessThere(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'conflict') throw error
  }
}
