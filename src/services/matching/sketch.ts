import { AudioFile, type AudioFileDoc } from '../../../models/AudioFile.ts'
import { AudioFileTag } from '../../../models/AudioFileTag.ts'
import { maxModes, maxSketchTags } from '../../../models/MusicianSketch.ts'
import { Profile } from '../../../models/Profile.ts'
import { Project } from '../../../models/Project.ts'
import { Tag } from '../../../models/Tag.ts'
import { UserProject } from '../../../models/UserProject.ts'
import type { Database } from '../../infra/mongo.ts'
import { groupBy } from '../../kernel/group.ts'
import { tempoBucketOf } from '../shared/harmony.ts'
import { readInstruments } from '../shared/instruments.ts'
import { features } from './features.ts'
import type { Sketch } from './score.ts'

/** What of a user's is looked at: the newest. */
const maxRecordings = 200
const maxProjects = 50

type Sound = NonNullable<AudioFileDoc['sound']>

/** The weightiest groups of things, as shares of all. */
function modesOf<T, R>(things: T[], groupOf: (thing: T) => number, present: (group: T[]) => R) {
  const groups = [...groupBy(things, groupOf).values()].sort((x, y) => y.length - x.length).slice(0, maxModes)
  return groups.map((group) => ({ ...present(group), weight: group.length / things.length }))
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** The geometric mean of tempos in the octave of the first. */
const meanTempo = ([first, ...more]: number[]) =>
  2 ** mean([first!, ...more].map((bpm) => Math.log2(bpm / 2 ** Math.round(Math.log2(bpm / first!)))))

/** What the sound of recordings comes to. */
export function sumUp(sounds: Sound[]): Pick<Sketch, 'heard' | 'features' | 'tempos' | 'keys'> {
  const tempos = sounds.flatMap(({ tempo }) => tempo ?? [])
  const keys = sounds.flatMap(({ key }) => key ?? [])
  return {
    heard: sounds.length,
    features: features.map((_, at) => {
      const values = sounds.flatMap((sound) => sound.features[at] ?? [])
      return values.length > 0 ? mean(values) : null
    }),
    tempos: modesOf(
      tempos,
      (bpm) => tempoBucketOf(bpm).bucket,
      (group) => ({ bpm: meanTempo(group) }),
    ),
    keys: modesOf(
      keys,
      (key) => key,
      ([key]) => ({ key: key! }),
    ),
  }
}

/** Reads what everybody may see of a musician; null without a profile. */
export async function readSketch(database: Database, userId: string): Promise<Sketch | null> {
  const [profile, recordings, projects, memberships] = await Promise.all([
    database.collection(Profile).findOne({ userId }, { projection: { tags: 1, bio: 1 } }),
    database
      .collection(AudioFile)
      .find({ userId, visibility: 'public' }, { projection: { sound: 1 } })
      .sort({ _id: -1 })
      .limit(maxRecordings)
      .toArray(),
    database
      .collection(Project)
      .find({ ownerId: userId, isOpen: true }, { projection: { title: 1, description: 1 } })
      .sort({ _id: -1 })
      .limit(maxProjects)
      .toArray(),
    database
      .collection(UserProject)
      .find({ userId }, { projection: { role: 1 } })
      .sort({ _id: -1 })
      .limit(maxProjects)
      .toArray(),
  ])
  if (!profile) return null
  const [links, others] = await Promise.all([
    database
      .collection(AudioFileTag)
      .find({ audioFileId: { $in: recordings.map(({ _id }) => _id) } }, { projection: { tagId: 1 } })
      .toArray(),
    database
      .collection(UserProject)
      .find({ projectId: { $in: projects.map(({ _id }) => _id) } }, { projection: { projectId: 1, role: 1 } })
      .limit(1_000)
      .toArray(),
  ])
  const counts = new Map<string, number>()
  for (const tagId of [...(profile.tags ?? []), ...links.map((link) => link.tagId)]) {
    counts.set(tagId, (counts.get(tagId) ?? 0) + 1)
  }
  const own = new Set(profile.tags)
  const named = await database
    .collection(Tag)
    .find({ _id: { $in: [...counts.keys()] } }, { projection: { nameKey: 1 } })
    .toArray()
  const tags = named
    .map(({ _id, nameKey }) => ({ name: nameKey.slice(0, 50), count: counts.get(_id)! }))
    .sort((x, y) => y.count - x.count || (x.name < y.name ? -1 : 1))
    .slice(0, maxSketchTags)

  const bio = readInstruments(profile.bio ?? '')
  const plays = new Set(bio.has)
  const ownTags = named.filter(({ _id }) => own.has(_id)).map(({ nameKey }) => nameKey)
  for (const text of [...ownTags, ...memberships.map(({ role }) => role)]) {
    for (const name of readInstruments(text).has) plays.add(name)
  }
  const needs = new Set<string>()
  const roles = groupBy(others, ({ projectId }) => projectId)
  for (const { _id, title, description } of projects) {
    const { seeks } = readInstruments(`${title}\n${description ?? ''}`)
    const filled = readInstruments((roles.get(_id) ?? []).map(({ role }) => role).join('\n')).has
    for (const name of seeks) if (!filled.has(name)) needs.add(name)
  }
  return {
    ...sumUp(recordings.flatMap(({ sound }) => sound ?? [])),
    tags,
    plays: [...plays].sort(),
    needs: [...needs].sort(),
  }
}
