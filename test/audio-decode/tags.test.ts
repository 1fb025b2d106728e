import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTags } from '../../src/audio/tags.ts'
import { createFolder, ffmpeg, makeMusic, makeWav } from './sounds.ts'

const folder = createFolder()
beforeAll(() => writeFile(folder.at('source.wav'), makeWav(makeMusic(1))))
afterAll(() => folder.remove())

describe('tags', () => {
  it('[TAG-01] reads title, artist, genre and cover from MP3, FLAC and M4A', async () => {
    await ffmpeg('-f', 'lavfi', '-i', 'color=c=red:s=64x64', '-frames:v', '1', folder.at('cover.jpg'))
    const metadata = ['title=A title', 'artist=Some one', 'album=The album', 'genre=Jazz', 'date=1999']
    const cover = ['-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v', 'attached_pic']
    for (const name of ['a.mp3', 'a.flac', 'a.m4a']) {
      const inputs = ['-i', folder.at('source.wav'), '-i', folder.at('cover.jpg')]
      await ffmpeg(...inputs, ...cover, ...metadata.flatMap((pair) => ['-metadata', pair]), folder.at(name))
      const tags = await readTags(folder.at(name))
      expect(tags).toMatchObject({
        title: 'A title',
        artist: 'Some one',
        album: 'The album',
        year: 1999,
        problem: null,
      })
      expect(tags.genres).toEqual(['Jazz'])
      expect(tags.cover?.mediaType).toBe('image/jpeg')
      expect(Buffer.from(tags.cover!.data)).toEqual(await readFile(folder.at('cover.jpg')))
    }
  })

  it('[TAG-02] never throws: a file without tags has none, and one that cannot be read says why', async () => {
    expect(await readTags(folder.at('source.wav'))).toMatchObject({
      title: null,
      genres: [],
      cover: null,
      problem: null,
    })
    const mp3 = await readFile(folder.at('a.mp3'))
    await writeFile(folder.at('cut.mp3'), mp3.subarray(0, 300))
    await writeFile(folder.at('junk.mp3'), Buffer.concat([mp3.subarray(0, 40), Buffer.alloc(5_000, 0xa5)]))
    await writeFile(folder.at('empty.mp3'), '')
    for (const name of ['cut.mp3', 'junk.mp3', 'empty.mp3', 'nowhere.mp3']) {
      expect((await readTags(folder.at(name))).cover).toBeNull()
    }
    expect((await readTags(folder.at('nowhere.mp3'))).problem).toMatch(/cannot be read/)
  })

  it('[TAG-03] leaves out pictures that are too large', async () => {
    const size = 17 * 2 ** 20
    const head = Buffer.from(`ID3\x03\0\0`, 'latin1')
    const syncsafe = Buffer.from([21, 14, 7, 0].map((shift) => (size >> shift) & 127))
    const picture = Buffer.from(`APIC\0\0\0\0\0\0\0image/png\0\x03\0`, 'latin1')
    picture.writeUInt32BE(size - 10, 4)
    await writeFile(
      folder.at('large.mp3'),
      Buffer.concat([head, syncsafe, picture, Buffer.alloc(size), await readFile(folder.at('a.mp3'))]),
    )
    expect(await readTags(folder.at('large.mp3'))).toMatchObject({ cover: null, problem: /too large/ })
  })
})
