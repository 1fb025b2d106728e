import { promisify } from 'node:util'
import { deflate, inflate } from 'node:zlib'
import type { mongo } from 'mongoose'
import * as Y from 'yjs'
import { BoardVersion, type BoardVersionDoc, type BoardVersionWire } from '../../../models/BoardVersion.ts'
import { BoardVersionPart } from '../../../models/BoardVersionPart.ts'
import type { BoardContent } from '../../boards/content/picture.ts'
import { toJson } from '../../boards/content/project.ts'
import { restore } from '../../boards/content/restore.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { projectPolicy } from '../../policies/projects.ts'
import { pageById } from '../shared/pages.ts'
import type { Gate } from './gate.ts'
import type { LiveBoards } from './live.ts'

/** How many named versions a board can have, and how many of those that the server keeps before restorations. */
const mostNamed = 200
const mostAutomatic = 20
/** Well below what one document of MongoDB can hold. */
const partBytes = 8 * 1024 * 1024

const pack = promisify(deflate)
const unpack = promisify(inflate)

/** Named versions of boards. */
export function createBoardVersions({ database, live, gate }: { database: Database; live: LiveBoards; gate: Gate }) {
  const versions = database.collection(BoardVersion)
  const parts = database.collection(BoardVersionPart)

  async function insertState(projectId: string, state: Uint8Array, session: mongo.ClientSession): Promise<string> {
    const stateId = newId()
    const packed = await pack(state)
    for (let part = 0, at = 0; at < packed.length; part++, at += partBytes) {
      const data = packed.subarray(at, at + partBytes)
      await parts.insertOne({ _id: `${stateId}/${part}`, projectId, stateId, part, data } as never, { session })
    }
    return stateId
  }

  async function stateOf({ stateId }: BoardVersionDoc): Promise<Uint8Array> {
    const found = await parts.find({ stateId }).sort({ part: 1 }).toArray()
    // Its pieces went while we read: the version was deleted, or its project.
    if (found.length === 0) throw notFound('version')
    return unpack(Buffer.concat(found.map(({ data }) => (data as mongo.Binary).buffer)))
  }

  const capture = (projectId: string): Promise<Uint8Array> => live.read(projectId, (doc) => Y.encodeStateAsUpdate(doc))

  /** Stores a version; of automatic ones, the oldest beyond the most kept go. */
  async function keep(actor: Actor, projectId: string, name: string, isAutomatic: boolean): Promise<BoardVersionDoc> {
    const state = await capture(projectId)
    return database.transaction(async (session) => {
      const all = await versions
        .find({ projectId, isAutomatic }, { session, projection: { stateId: 1 } })
        .sort({ _id: -1 })
        .toArray()
      if (!isAutomatic && all.length >= mostNamed) throw conflict(`A board has at most ${mostNamed} versions`)
      const old = isAutomatic ? all.slice(mostAutomatic - 1) : []
      await versions.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } }, { session })
      await parts.deleteMany({ stateId: { $in: old.map(({ stateId }) => stateId) } }, { session })
      const version = {
        _id: newId(),
        projectId,
        name,
        createdBy: actor.userId,
        isAutomatic,
        bytes: state.length,
        createdAt: new Date(),
        stateId: await insertState(projectId, state, session),
      } as BoardVersionDoc
      await versions.insertOne(version as never, { session })
      return version
    })
  }

  /** Puts another document into a version. */
  async function replaceState({ _id, projectId, stateId }: BoardVersionDoc, state: Uint8Array) {
    await database.transaction(async (session) => {
      const fresh = await insertState(projectId, state, session)
      const { matchedCount } = await versions.updateOne(
        { _id, stateId },
        { $set: { stateId: fresh, bytes: state.length } },
        { session },
      )
      if (matchedCount === 0) throw notFound('version')
      await parts.deleteMany({ stateId }, { session })
    })
  }

  async function find(projectId: string, versionId: string): Promise<BoardVersionDoc> {
    const version = (await versions.findOne({ _id: versionId, projectId })) as BoardVersionDoc | null
    if (!version) throw notFound('version')
    return version
  }

  async function documentOf(version: BoardVersionDoc): Promise<Y.Doc> {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, await stateOf(version))
    return doc
  }

  return {
    /** A page of a board's versions, newest first. */
    async list(actor: Actor, projectId: string, { limit, cursor }: PageRequest): Promise<Page<BoardVersionWire>> {
      await gate.reader(actor, projectId)
      return pageById(versions, { projectId }, { limit, cursor }, (version) => BoardVersion.toWire(version))
    },

    /** Keeps what the board holds now under a name. Throws `conflict` where there are too many. */
    async create(actor: Actor, projectId: string, name: string): Promise<BoardVersionWire> {
      await gate.writer(actor, projectId)
      return BoardVersion.toWire(await keep(actor, projectId, name, false))
    },

    /** A version with what it holds. */
    async get(
      actor: Actor,
      projectId: string,
      versionId: string,
    ): Promise<BoardVersionWire & { content: BoardContent }> {
      await gate.reader(actor, projectId)
      const version = await find(projectId, versionId)
      const doc = await documentOf(version)
      try {
        return { ...BoardVersion.toWire(version), content: toJson(doc) }
      } finally {
        doc.destroy()
      }
    },

    /** Deletes a version: who made it, and the project's owners. */
    async remove(actor: Actor, projectId: string, versionId: string): Promise<void> {
      const { member } = await gate.writer(actor, projectId)
      const version = await find(projectId, versionId)
      if (version.createdBy !== actor.userId && !projectPolicy.manage(member)) {
        throw forbidden('Only who made the version and the project’s owners delete it')
      }
      await database.transaction(async (session) => {
        await versions.deleteOne({ _id: versionId }, { session })
        await parts.deleteMany({ stateId: version.stateId }, { session })
      })
    },

    /**
     * Makes the board hold again what a version does, by an edit like any other. What it holds now is kept as an
     * automatic version before; the answer is that one.
     */
    async restore(actor: Actor, projectId: string, versionId: string): Promise<BoardVersionWire> {
      await gate.writer(actor, projectId)
      const version = await find(projectId, versionId)
      const wanted = await documentOf(version)
      try {
        const name = `Before restoring ${version.name}`.slice(0, 200)
        const before = await keep(actor, projectId, name, true)
        const kept = await documentOf(before)
        const snapshot = Y.snapshot(kept)
        kept.destroy()
        // What others wrote since, which the kept version lacks.
        const { result: fresher } = await live.transact(projectId, { userId: actor.userId }, (doc) => {
          const state = Y.equalSnapshots(Y.snapshot(doc), snapshot) ? null : Y.encodeStateAsUpdate(doc)
          restore(doc, wanted)
          return state
        })
        if (!fresher) return BoardVersion.toWire(before)
        await replaceState(before, fresher)
        return BoardVersion.toWire(await find(projectId, before._id))
      } finally {
        wanted.destroy()
      }
    },

    /** Deletes all versions of a project that goes. */
    async removeAll(projectId: string, session: mongo.ClientSession): Promise<void> {
      await versions.deleteMany({ projectId }, { session })
      await parts.deleteMany({ projectId }, { session })
    },
  }
}
