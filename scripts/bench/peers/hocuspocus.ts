/**
 * @hocuspocus/server as its guide sets it up, as a yardstick: its own Database extension with MongoDB behind it (one
 * document a board, majority and journalled), its own debounce of 2 s. It knows no sessions, no rights and no limits.
 */
import { Database } from '@hocuspocus/extension-database'
import { Server } from '@hocuspocus/server'
import mongoose from 'mongoose'

const { MONGODB_URI, PORT, HOST } = process.env
await mongoose.connect(MONGODB_URI!)
const states = mongoose.connection.db!.collection<{ _id: string; state: mongoose.mongo.Binary }>('documents')

const server = new Server({
  port: Number(PORT),
  address: HOST!,
  quiet: true,
  extensions: [
    new Database({
      async fetch({ documentName }) {
        const found = await states.findOne({ _id: documentName })
        return found && new Uint8Array(found.state.buffer)
      },
      async store({ documentName, state }) {
        await states.updateOne(
          { _id: documentName },
          { $set: { state: new mongoose.mongo.Binary(state) } },
          { upsert: true, writeConcern: { w: 'majority', j: true } },
        )
      },
    }),
  ],
})
await server.listen()
