import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createWorld, type Person, type World } from '../support/world.ts'
import { openBrowser, type Visit, type Visits, webHome } from './browser.ts'

// A browser on a busy machine: waits end with what they wait for, and only a fault takes this long.
vi.setConfig({ testTimeout: 120_000 })

let world: World
let visits: Visits
let url: string
const open: Visit[] = []

beforeAll(async () => {
  ;[world, visits] = await Promise.all([webHome().then((home) => createWorld({ webHome: home })), openBrowser()])
  url = world.instances[0]!.url
}, 180_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ context }) => context.close()))
})
afterAll(async () => {
  await visits?.close()
  await world?.close()
})

const visitAs = async (who: Person, path: string, options = {}) => {
  const made = await visits.as(who, url + path, options)
  open.push(made)
  return made
}

/** A sine of 440 Hz that swells, as a WAV of 16 bits. */
function tone(seconds: number, sampleRate = 8_000): Buffer {
  const frames = Math.round(seconds * sampleRate)
  const file = Buffer.alloc(44 + frames * 2)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + frames * 2, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(sampleRate, 24)
  file.writeUInt32LE(sampleRate * 2, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36)
  file.writeUInt32LE(frames * 2, 40)
  for (let at = 0; at < frames; at++) {
    const sample = Math.sin((2 * Math.PI * 440 * at) / sampleRate) * (at / frames) * 20_000
    file.writeInt16LE(Math.round(sample), 44 + at * 2)
  }
  return file
}

const wavFile = (name: string, seconds: number) => ({ name, mimeType: 'audio/wav', buffer: tone(seconds) })

describe('sound', () => {
  it('[WEB-60] uploads a private recording by the page, which shows in the list and plays on other pages', async () => {
    const ona = await world.user('Ona Field')
    const { page, complaints } = await visitAs(ona, '/sound')
    await page.getByText('No recording of yours yet').waitFor()
    await page.getByLabel('Who can hear it').selectOption('private')
    await page.getByLabel('Choose files').setInputFiles([wavFile('First take.wav', 20), wavFile('Second take.wav', 20)])
    await page.getByRole('link', { name: 'First take', exact: true }).waitFor()
    await page.getByRole('link', { name: 'Second take', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Play First take' }).click()
    const bar = page.getByRole('region', { name: 'Player' })
    const position = () => bar.getByRole('slider', { name: 'Position' }).evaluate((each) => Number((each as any).value))
    await expect.poll(position, { timeout: 20_000 }).toBeGreaterThan(0.3)
    await page.getByRole('link', { name: 'Rooms', exact: true }).first().click()
    await page.getByRole('heading', { name: 'Rooms', level: 1 }).waitFor()
    const before = await position()
    await expect.poll(position).toBeGreaterThan(before)
    await bar.getByRole('button', { name: 'Pause' }).click()
    await bar.getByRole('button', { name: 'Play', exact: true }).waitFor()
    // Space plays while the slider has the focus.
    await bar.getByRole('slider', { name: 'Position' }).focus()
    await page.keyboard.press('Space')
    await bar.getByRole('button', { name: 'Pause' }).click()
    expect(complaints).toEqual([])
  })
})
