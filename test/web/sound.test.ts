import { describe, expect, it, onTestFinished } from 'vitest'
import type { Person } from '../support/world.ts'
import { faultsOf } from './axe.ts'
import { layCable } from './cable.ts'
import { setStage } from './stage.ts'
import { tone } from './tone.ts'

const stage = setStage()
const { visitAs } = stage

/** A recording that is there already. */
async function record(who: Person, title: string, visibility = 'public'): Promise<string> {
  const form = new FormData()
  form.set('title', title)
  form.set('visibility', visibility)
  form.set('file', new File([new Uint8Array(tone(20))], `${title}.wav`, { type: 'audio/wav' }))
  const headers = { Authorization: `Bearer ${who.accessToken}` }
  const answer = await fetch(`${stage.url}/api/v1/audio-files`, { method: 'POST', headers, body: form })
  if (!answer.ok) throw new Error(`an upload answered ${answer.status}`)
  return ((await answer.json()) as { id: string }).id
}

const wavFile = (name: string, seconds: number) => ({ name, mimeType: 'audio/wav', buffer: tone(seconds) })

describe('sound', () => {
  it('[WEB-60] uploads a private recording by the page, which shows in the list and plays on other pages', async () => {
    const ona = await stage.world.user('Ona Field')
    const { page, complaints } = await visitAs(ona, '/sound')
    await page.getByText('No recording of yours yet').waitFor()
    await page.getByLabel('Who can hear it').selectOption('private')
    await page.getByLabel('Choose files').setInputFiles([wavFile('First take.wav', 20), wavFile('Second take.wav', 20)])
    await page.getByRole('link', { name: 'First take', exact: true }).waitFor()
    await page.getByRole('link', { name: 'Second take', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Play First take' }).click()
    const bar = page.getByRole('region', { name: 'Player' })
    const position = () => bar.getByRole('slider', { name: 'Position' }).evaluate((each) => Number((each as any).value))
    await expect.poll(position).toBeGreaterThan(0.3)
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

  it('[WEB-61] seeks on the waveform by keyboard, comments at a moment, likes, and says what is heard', async () => {
    const [pia, quin] = await stage.world.users('Pia Stone', 'Quin Vale')
    const id = await record(pia!, 'Harbour')
    const { page, complaints } = await visitAs(quin!, `/sound/${id}`)
    await page.getByRole('button', { name: 'Play Harbour' }).click()
    const bar = page.getByRole('region', { name: 'Player' })
    await bar.getByRole('button', { name: 'Pause' }).waitFor()
    await page.getByRole('button', { name: 'Pause Harbour' }).click()
    await page.getByRole('button', { name: 'Play Harbour' }).waitFor()
    const wave = page.getByRole('slider', { name: 'Waveform' })
    await expect.poll(() => wave.getAttribute('aria-valuemax')).toBe('20')
    await wave.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => wave.getAttribute('aria-valuetext')).toBe('0:05 of 0:20')
    await page.getByLabel('Your comment').fill('The bass comes in here')
    await page.getByRole('button', { name: 'Comment', exact: true }).click()
    await page.getByRole('button', { name: 'Quin Vale at 0:05: The bass comes in here' }).waitFor()
    await page.getByRole('button', { name: 'Like, 0 likes' }).click()
    await page.getByRole('button', { name: 'Take the like back, 1 like' }).waitFor()
    await page.getByLabel('Mood').fill('calm')
    await page.getByLabel('Instruments').fill('organ, bass')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Take back', exact: true }).waitFor()
    // The owner sees all of it.
    const { page: other } = await visitAs(pia!, `/sound/${id}`)
    await other.getByRole('button', { name: 'Go to 0:05' }).waitFor()
    await other.getByRole('button', { name: 'Like, 1 like' }).waitFor()
    await other.getByText('organ', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Delete this comment' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No comment yet').waitFor()
    // What is not there before the analysis was asked for, and the browser says so.
    expect(complaints.filter((each) => !each.includes('404'))).toEqual([])
  })

  it('[WEB-62] goes on with an upload after the network was cut', async () => {
    const ravi = await stage.world.user('Ravi Lund')
    const file = wavFile('Long take.wav', 560)
    const cable = await layCable(stage.url)
    onTestFinished(() => cable.close())
    const { page, context } = await visitAs(ravi, '/sound', {}, cable.url)
    await page.getByText('No recording of yours yet').waitFor()
    const patches: number[] = []
    page.on('request', (request) => {
      if (request.method() === 'PATCH') patches.push(Number(request.headers()['upload-offset']))
    })
    // The first part of it stays on the way.
    cable.hold(1_000_000)
    await page.getByLabel('Choose files').setInputFiles([file])
    const bar = page.getByRole('progressbar', { name: 'Upload of Long take.wav' })
    const part = () => bar.evaluate((each) => (each as any).value as number)
    await expect.poll(part).toBeGreaterThan(0)
    await context.setOffline(true)
    cable.cut()
    await page.getByText('Waits for the connection, then goes on').waitFor()
    expect(await part()).toBeLessThan(1)
    cable.mend()
    await context.setOffline(false)
    await page.getByRole('link', { name: 'Long take', exact: true }).waitFor()
    // It went on from where it was, not from the start.
    expect(patches[0]).toBe(0)
    expect(patches.at(-1)).toBeGreaterThan(0)
    const { body } = await stage.world.ask('GET', `/api/v1/audio-files?userId=${ravi.id}`, { as: ravi })
    expect(body.items).toMatchObject([{ title: 'Long take', sizeBytes: file.buffer.length }])
  })

  it('[WEB-63] gathers recordings in a playlist, plays all, moves them by keyboard and takes one out', async () => {
    const sol = await stage.world.user('Sol Brandt')
    const [first, second] = [await record(sol, 'Dawn'), await record(sol, 'Dusk', 'private')]
    const { page, complaints } = await visitAs(sol, '/sound?tab=playlists')
    await page.getByRole('button', { name: 'New playlist' }).click()
    await page.getByLabel('Name of the playlist').fill('Set one')
    await page.getByRole('button', { name: 'Make playlist' }).click()
    await page.getByRole('heading', { name: 'Set one', level: 1 }).waitFor()
    const list = new URL(page.url()).pathname
    for (const id of [first, second]) {
      await page.goto(`${stage.url}/sound/${id}`)
      await page.getByRole('button', { name: 'Add to playlist' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Set one' }).click()
      await page.getByText('Added to Set one').waitFor()
    }
    await page.goto(stage.url + list)
    const titles = () => page.locator('ol .title').allTextContents()
    await expect.poll(titles).toEqual(['Dawn', 'Dusk'])
    const moved = page.waitForResponse((each) => each.request().method() === 'PATCH')
    await page.getByRole('button', { name: 'Move Dusk up' }).focus()
    await page.keyboard.press('Enter')
    expect((await moved).status()).toBe(200)
    await page.reload()
    await expect.poll(titles).toEqual(['Dusk', 'Dawn'])
    await page.getByRole('button', { name: 'Play all' }).click()
    const bar = page.getByRole('region', { name: 'Player' })
    await bar.getByRole('link', { name: 'Dusk' }).waitFor()
    await bar.getByRole('button', { name: 'Next' }).click()
    await bar.getByRole('link', { name: 'Dawn' }).waitFor()
    await page.getByRole('button', { name: 'Take Dusk out' }).click()
    await expect.poll(titles).toEqual(['Dawn'])
    expect(complaints.filter((each) => !each.includes('404'))).toEqual([])
  })

  it('[WEB-64] shows an analysis as pictures, has no fault that axe finds, and fits a phone', async () => {
    const [tia, uri] = await stage.world.users('Tia Moss', 'Uri Hall')
    const id = await record(tia!, 'Tides')
    await stage.world.ask('POST', '/api/v1/comments', {
      as: uri!,
      body: { targetType: 'AudioFile', targetId: id, content: 'Here', atSeconds: 5 },
    })
    await addAnalysis(tia!, id)
    const playlist = await stage.world.ask('POST', '/api/v1/playlists', { as: tia!, body: { name: 'Tides and more' } })
    await stage.world.ask('POST', `/api/v1/playlists/${playlist.body.id}/audio-files`, {
      as: tia!,
      body: { audioFileId: id },
    })
    const { page } = await visitAs(tia!, '/sound')
    await page.getByRole('button', { name: 'Play Tides' }).click()
    await page.getByRole('region', { name: 'Player' }).waitFor()
    const faults: string[] = []
    for (const path of ['/sound', `/sound/${id}`, `/playlists/${playlist.body.id}`]) {
      await page.evaluate((to) => {
        history.pushState(null, '', to)
        dispatchEvent(new PopStateEvent('popstate'))
      }, path)
      await page.getByText('Tides').first().waitFor()
      if (path === `/sound/${id}`) await page.getByRole('img', { name: /^Loudness over time/ }).waitFor()
      await expect.poll(() => page.locator('.spinner').count()).toBe(0)
      faults.push(...(await faultsOf(page)))
      await page.setViewportSize({ width: 390, height: 844 })
      const width = await page.locator('.page').evaluate((each) => (each as any).scrollWidth as number)
      if (width > 390) faults.push(`${path} is ${width} px wide`)
      await page.setViewportSize({ width: 1280, height: 800 })
    }
    expect(faults).toEqual([])
  })

  it('[PAGE-16] finds recordings by tempo, key, tag and words by keyboard, in an address that can be sent', async () => {
    const [vera, walt] = await stage.world.users('Vera Pine', 'Walt Oak')
    const slow = await record(vera!, 'Slow delta')
    await stage.post(vera!, `/api/v1/audio-files/${slow}`, { tags: ['delta'] }, 200, 'PATCH')
    await addAnalysis(vera!, slow, { tempo: 61, key: 'Bb' })
    await addAnalysis(vera!, await record(vera!, 'Fast delta'), { tempo: 171, key: 'G#m' })
    await record(vera!, 'Unheard delta')
    const asked = (query: string) => stage.world.ask('GET', `/api/v1/audio-files?userId=${vera!.id}&${query}`)
    await expect.poll(async () => (await asked('tempoMin=1')).body.items.length).toBe(2)
    const { page, complaints } = await visitAs(walt!, '/sound?tab=all')
    const titles = () => page.locator('.rows .title').allTextContents()
    await page.getByRole('searchbox', { name: 'Words in title or description' }).fill('delta')
    await expect.poll(titles).toEqual(['Unheard delta', 'Fast delta', 'Slow delta'])
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.type('150')
    await expect.poll(titles).toEqual(['Fast delta'])
    await page.locator('summary').getByText('1 filter').waitFor({ state: 'attached' })
    await page.waitForURL('**tempoMin=150**')
    // A range that ends before it begins is said to be one, and not asked for.
    await page.keyboard.press('Tab')
    await page.keyboard.type('60')
    await page.getByRole('alert').waitFor()
    expect(await titles()).toEqual(['Fast delta'])
    expect(page.url()).not.toContain('tempoMax')
    await page.getByLabel('Tempo from, BPM').focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.press('Delete')
    await page.getByLabel('Tempo to, BPM').focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.type('70')
    await expect.poll(titles).toEqual(['Slow delta'])
    // A select takes the letters of what it holds.
    await page.keyboard.press('Tab')
    await page.keyboard.type('A♭')
    await expect.poll(titles).toEqual([])
    await page.getByText('Nothing fits').waitFor()
    // What was chosen comes back by its address.
    const sent = await visitAs(vera!, new URL(page.url()).pathname + new URL(page.url()).search)
    await sent.page.getByLabel('Tempo to, BPM').waitFor()
    expect(await sent.page.getByLabel('Tempo to, BPM').inputValue()).toBe('70')
    await page.getByRole('button', { name: 'Clear' }).focus()
    await page.keyboard.press('Enter')
    await expect.poll(titles).toEqual(['Unheard delta', 'Fast delta', 'Slow delta'])
    await page.getByLabel('Tag', { exact: true }).focus()
    await page.keyboard.type('delta')
    await expect.poll(titles).toEqual(['Slow delta'])
    await page.waitForURL('**tag=delta**')
    expect(complaints).toEqual([])
  })
})

/** What a bot of hers heard in a recording. */
async function addAnalysis(owner: Person, id: string, { tempo = 120.5, key = 'C#m' } = {}) {
  const bot = await stage.world.ask('POST', '/api/v1/bots', {
    as: owner,
    body: { name: 'Ears', scopes: ['analysis:write', 'audio:read'] },
  })
  const values = Array.from({ length: 17 }, (_, at) => -30 + at)
  const answer = await stage.world.ask('POST', `/api/v1/audio-files/${id}/analysis-results`, {
    as: { accessToken: bot.body.token },
    body: {
      tempo,
      key,
      genre: 'ambient',
      confidence: 0.8,
      modelVersion: 'test-ears-1',
      metadata: {
        loudness: { integrated: -19.4, shortTermCurve: { stepSeconds: 1, values }, targets: { Streaming: -14 } },
        tempo: {
          confidence: 0.82,
          alternatives: [{ bpm: 60.2, confidence: 0.1 }],
          curve: Array.from({ length: 10 }, (_, at) => ({ seconds: at * 2, bpm: 118 + (at % 4) })),
        },
        key: { confidence: 0.7, alternatives: [{ name: 'E', confidence: 0.2 }] },
        sections: [
          { start: 0, end: 8, label: 'A' },
          { start: 8, end: 14, label: 'B' },
          { start: 14, end: 20, label: 'A' },
        ],
      },
    },
  })
  if (answer.status !== 201) throw new Error(`an analysis answered ${answer.status}: ${JSON.stringify(answer.body)}`)
}
