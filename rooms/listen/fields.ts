import { z } from 'zod'
import { listenEnds } from '../../models/ListenSession.ts'
import { f } from '../../src/kernel/fields.ts'

/** A place in a track. */
export const positionMs = z.number().min(0).max(86_400_000).describe('Milliseconds from the beginning of the track')

/** What a room listens to. */
export const ListenState = z.object({
  roomId: f.ref('ChatRoom'),
  audioFileId: f.ref('AudioFile').nullable().describe('null: nothing is listened to any more'),
  playing: z.boolean(),
  positionMs: z.number().min(0).describe('Where the track was at `at`; while it plays, it has gone on since'),
  at: z.string().describe('Server time, as `time:sync` tells it'),
  by: f.ref('User').describe('Who made the last change'),
  rev: z.int().min(1).describe('Grows with each change: of two states the higher counts'),
  startedBy: f.ref('User').describe('Who chose the track'),
  durationMs: z.number().optional().describe('Of the track, once it is known'),
  ended: z.enum(listenEnds).optional().describe('Why nothing is listened to any more'),
})
