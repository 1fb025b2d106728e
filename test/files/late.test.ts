import { afterAll, beforeAll, expect, test } from 'vitest'
import { AudioFile } from '../../models/AudioFile.ts'
import { AudioFileMetricValue } from '../../models/AudioFileMetricValue.ts'
import { AudioFileReport } from '../../models/AudioFileReport.ts'
import { entities } from '../../models/index.ts'
import { User } from '../../models/User.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { createDeletion } from '../../src/services/deletion.ts'
import { quiet } from '../support/logs.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'

let mongod: TestMongod
let database: Database

beforeAll(async () => {
  mongod = await startTestMongod('late')
  database = await connectMongo(mongod.uri, entities, quiet)
})
afterAll(async () => {
  await database?.close()
  await mongod?.close()
})

test('[FILE-36] takes along what came to a thing until it was gone', async () => {
  const deletion = createDeletion({ database, jobs: { enqueue: async () => {} }, entities })
  const insert = (entity: (typeof entities)[number], row: object) => database.collection(entity).insertOne(row as never)
  await insert(AudioFile, { _id: 'song', userId: 'jane' })
  deletion.onDelete(AudioFile, {
    // As an analysis does that is under way: what hung on the recording has been taken, and the recording has not.
    async within() {
      await insert(AudioFileReport, { _id: 'report', audioFileId: 'song' })
      await insert(AudioFileMetricValue, { _id: 'value', reportId: 'report' })
    },
  })
  await deletion.freeOf(User, 'jane', new AbortController().signal)
  for (const entity of [AudioFile, AudioFileReport, AudioFileMetricValue]) {
    expect(await database.collection(entity).find().toArray(), entity.name).toEqual([])
  }
})
