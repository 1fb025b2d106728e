import { AudioFile } from '../../../models/AudioFile.ts'
import { type Anchor, ChatMessage, type ChatMessageWire } from '../../../models/ChatMessage.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { invalid, notFound } from '../../kernel/errors.ts'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../../kernel/page.ts'
import type { LogRecord } from '../../log/types.ts'
import { seeAudio } from '../../policies/audio.ts'
import { logRecords } from '../shared/records.ts'
import type { Rooms } from './rooms.ts'

/** The most rooms of one person that are looked through. */
const maxRooms = 1_000

/** Throws `not_found` for a recording that the actor may not see, `invalid` for a moment that it does not have. */
export async function checkAnchor(database: Database, actor: Actor, anchor: Anchor): Promise<void> {
  const file = await database
    .collection(AudioFile)
    .findOne({ _id: anchor.audioFileId }, { projection: { userId: 1, visibility: 1, duration: 1 } })
  if (!file || !seeAudio(actor, file)) throw notFound('Audio file')
  const { startMs, endMs } = anchor
  if (endMs !== undefined && endMs <= startMs) throw invalid('must be after startMs', 'anchor.endMs')
  if (!file.duration) return
  const durationMs = Math.ceil(file.duration * 1_000)
  if (endMs !== undefined && endMs > durationMs) throw invalid('is past the end of the recording', 'anchor.endMs')
  if (startMs > durationMs) throw invalid('is past the end of the recording', 'anchor.startMs')
}

/** Messages that point to a moment of a recording. */
export function createAnchors(deps: {
  database: Database
  rooms: Pick<Rooms, 'listOwn'>
  presentAll(records: LogRecord[]): Promise<ChatMessageWire[]>
}) {
  const { database, rooms, presentAll } = deps
  const entries = logRecords(database)

  return {
    /** A page of those in the actor's own rooms, newest first. Throws `not_found` for a recording that they may not see. */
    async of(actor: Actor, audioFileId: string, { limit, cursor }: PageRequest): Promise<Page<ChatMessageWire>> {
      const file = await database
        .collection(AudioFile)
        .findOne({ _id: audioFileId }, { projection: { userId: 1, visibility: 1 } })
      if (!file || !seeAudio(actor, file)) throw notFound('Audio file')
      const [before] = decodeCursor(cursor, ['string']) ?? []
      const roomIds = await rooms.listOwn(actor.userId, undefined, maxRooms)
      const filter = {
        'anchor.audioFileId': audioFileId,
        kind: ChatMessage.spec.kind,
        logId: { $in: roomIds },
        ...(before !== undefined && { _id: { $lt: before } }),
      }
      const found = await entries
        .find(filter as never, { maxTimeMS: 5_000 })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .toArray()
      const page = pageOf(
        found,
        limit,
        ({ _id }) => [_id],
        (record) => record,
      )
      return { items: await presentAll(page.items), nextCursor: page.nextCursor }
    },
  }
}

export type Anchors = ReturnType<typeof createAnchors>
