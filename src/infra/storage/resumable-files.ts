import { type FileHandle, mkdir, open, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { DataStore, ERRORS, Upload } from '@tus/server'
import type { ResumableStates } from '../../kernel/storage.ts'
import { storageFailure } from './failures.ts'
import { writeAll } from './files.ts'

/**
 * Resumable uploads as files: how far one has come is the file's size. A failure of the disk leaves no half of a
 * chunk behind; a connection that breaks leaves what came before it, for the client to go on from.
 */
export function createResumableFiles(pathOf: (key: string) => string, states: ResumableStates): DataStore {
  class ResumableFiles extends DataStore {
    override extensions = ['creation', 'creation-with-upload', 'termination']

    override async create(upload: Upload): Promise<Upload> {
      const path = pathOf(upload.id)
      try {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, '')
      } catch (error) {
        throw storageFailure(error)
      }
      return upload
    }

    override async write(source: Readable, id: string, offset: number): Promise<number> {
      const path = pathOf(id)
      let file: FileHandle | undefined
      let position = offset
      try {
        file = await open(path, 'r+')
        await writeAll(file, source, offset, true, (end) => {
          position = end
        })
        await file.sync()
        return position
      } catch (error) {
        if (file && storageFailure(error) !== error) await truncate(path, position).catch(() => {})
        throw storageFailure(error)
      } finally {
        await file?.close()
      }
    }

    override async getUpload(id: string): Promise<Upload> {
      const state = await states.get(id)
      if (!state) throw ERRORS.FILE_NOT_FOUND
      const found = await stat(pathOf(id)).catch((error) => {
        if (error.code === 'ENOENT') throw ERRORS.FILE_NO_LONGER_EXISTS
        throw error
      })
      const { size, metadata, creation_date } = state
      return new Upload({ id, size, offset: found.size, metadata, creation_date })
    }

    override async remove(id: string): Promise<void> {
      await rm(pathOf(id), { force: true })
    }
  }
  return new ResumableFiles()
}
