import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Of many tempos or keys the weightiest are kept. */
export const maxModes = 4
export const maxSketchTags = 40
export const maxSketchFacets = 160

const weight = f.fraction()

/**
 * What matching knows of a musician, from what everybody may see: made anew when that changes. Tags are held by name,
 * so that one who reads it needs nothing else.
 */
export const MusicianSketch = defineEntity('MusicianSketch', {
  description: 'What matching knows of a musician',
  collection: 'musiciansketches',
  fields: {
    /** The user's id: one sketch each. */
    id: f.ref('User', 'cascade'),
    /** Of how many recordings the sound is known. */
    heard: z.int().min(0),
    /** Mean over the recordings of each feature, in units of its reference; null where none is known. */
    features: z.array(z.number().nullable()).max(32),
    /** Beats a minute. */
    tempos: z.array(z.object({ bpm: z.number(), weight })).max(maxModes),
    /** 0 to 11: C major up to B major; 12 to 23: C minor up to B minor. */
    keys: z.array(z.object({ key: z.int().min(0).max(23), weight })).max(maxModes),
    /** How often each tag stands on the profile and on recordings. */
    tags: z.array(z.object({ name: f.text(1, 50), count: z.int().min(1) })).max(maxSketchTags),
    plays: z.array(z.string().max(40)).max(40),
    /** What open projects of the user lack. */
    needs: z.array(z.string().max(40)).max(40),
    /** What it is found by. */
    facets: z.array(z.string().max(100)).max(maxSketchFacets),
    updatedAt: f.time(),
  },
  indexes: [{ keys: { facets: 1 }, serves: 'who has a tag, a sound or an instrument in common' }],
})
export type MusicianSketchDoc = Stored<typeof MusicianSketch>
