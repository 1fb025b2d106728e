import { describe, expect, it, onTestFinished } from 'vitest'
import { layCable } from './cable.ts'
import { field, message, setStage } from './stage.ts'
import { tone } from './tone.ts'

const stage = setStage()

/** A server in a process of its own, to be killed and started again at its address. */
async function standAlone() {
  let instance = await stage.world.spawnInstance()
  const { port } = new URL(instance.url)
  return {
    url: instance.url,
    async kill() {
      await instance.close()
    },
    async start() {
      instance = await stage.world.spawnInstance({ PORT: port })
    },
  }
}

describe('chaos', () => {
  it('[PAGE-13] keeps a draft, messages and a card’s place over a server killed while one types and drags', async () => {
    const [ada, ben] = await stage.world.users('Ada Chaos', 'Ben Chaos')
    const room = await stage.roomOf('Thunder', [ada!, ben!])
    const project = await stage.projectOf('Lightning', [ada!, ben!])
    for (const title of ['One', 'Two']) await stage.addCard(ada!, project.id, { title })
    const server = await standAlone()
    const talk = await stage.visitAs(ada!, `/rooms/${room.id}`, {}, server.url)
    const board = await stage.visitAs(ada!, `/boards/${project.id}`, {}, server.url)
    const compose = field(talk.page, 'Message #Thunder')
    await compose.fill('before the storm')
    await talk.page.keyboard.press('Enter')
    await talk.page.locator('article.message:not(.pending)', { hasText: 'before the storm' }).waitFor()
    // Half a sentence is written, and a card is held over another column.
    await compose.pressSequentially('half a sent')
    const card = board.page.locator('[data-card]', { hasText: 'One' })
    const from = (await card.boundingBox())!
    const to = (await board.page.getByRole('region', { name: 'Doing', exact: true }).locator('ul').boundingBox())!
    await board.page.mouse.move(from.x + 40, from.y + 15)
    await board.page.mouse.down()
    for (let step = 1; step <= 8; step++) {
      await board.page.mouse.move(
        from.x + 40 + ((to.x + 60 - from.x) * step) / 8,
        from.y + 15 + ((to.y + 20 - from.y) * step) / 8,
      )
    }
    await server.kill()
    await compose.pressSequentially('ence')
    await talk.page.keyboard.press('Enter')
    await message(talk.page, 'half a sentence').getByText('Waits for the connection').waitFor()
    await board.page.mouse.up()
    await board.page.getByText('What you change is kept in this window').waitFor()
    await board.page
      .getByRole('region', { name: 'Doing', exact: true })
      .locator('[data-card]', { hasText: 'One' })
      .waitFor()
    await board.page.getByRole('button', { name: 'New card in Done' }).click()
    await board.page.keyboard.type('Made offline')
    await board.page.keyboard.press('Enter')
    // What others do meanwhile joins it.
    await stage.addCard(ben!, project.id, { title: 'From elsewhere' })
    await stage.say(ben!, room.id, 'and from me')
    await server.start()
    await talk.page
      .locator('article.message:not(.pending)', { hasText: 'half a sentence' })
      .waitFor({ timeout: 60_000 })
    await message(talk.page, 'and from me').waitFor()
    await board.page.locator('[data-card]', { hasText: 'From elsewhere' }).waitFor({ timeout: 60_000 })
    const picture = async () => {
      const { body } = await stage.world.ask('GET', `/api/v1/projects/${project.id}/board`, { as: ben! })
      return body.columns.map(({ cards }: any) => cards.map(({ title }: any) => title))
    }
    await expect.poll(picture, { timeout: 60_000 }).toEqual([['Two', 'From elsewhere'], ['One'], ['Made offline']])
    const { body } = await stage.world.ask('GET', `/api/v1/chat-rooms/${room.id}/messages`, { as: ben! })
    const contents = body.items.map(({ content }: { content: string }) => content)
    expect(contents).toEqual(['before the storm', 'and from me', 'half a sentence'])
    expect(await talk.page.locator('article.message').count()).toBe(3)
    expect(await board.page.locator('[data-card]').count()).toBe(4)
    // The pages were never loaded anew: they came back by themselves.
    await compose.fill('and on we go')
    await talk.page.keyboard.press('Enter')
    await talk.page.locator('article.message:not(.pending)', { hasText: 'and on we go' }).waitFor()
  })

  it('[PAGE-14] goes on with an upload and a draft over a server killed and a network cut, and stores each once', async () => {
    const cyd = await stage.world.user('Cyd Chaos')
    const room = await stage.roomOf('Rain', [cyd])
    const server = await standAlone()
    const cable = await layCable(server.url)
    onTestFinished(() => cable.close())
    const upload = await stage.visitAs(cyd, '/sound', {}, cable.url)
    await upload.page.getByText('No recording of yours yet').waitFor()
    cable.hold(2_000_000)
    const file = { name: 'Long take.wav', mimeType: 'audio/wav', buffer: tone(400) }
    await upload.page.getByLabel('Choose files').setInputFiles([file])
    await upload.page.getByText('Uploading').waitFor()
    await server.kill()
    cable.cut()
    await upload.page.getByText('Waits for the connection, then goes on').waitFor()
    await server.start()
    cable.mend()
    await upload.page.getByRole('link', { name: 'Long take', exact: true }).waitFor({ timeout: 90_000 })
    const { body } = await stage.world.ask('GET', `/api/v1/audio-files?userId=${cyd.id}`, { as: cyd })
    expect(body.items).toMatchObject([{ title: 'Long take', sizeBytes: file.buffer.length }])
    // A draft outlives a page that is loaded anew while nothing answers.
    const talk = await stage.visitAs(cyd, `/rooms/${room.id}`, {}, cable.url)
    await field(talk.page, 'Message #Rain').fill('not sent yet')
    await talk.page.reload()
    await expect.poll(() => field(talk.page, 'Message #Rain').inputValue()).toBe('not sent yet')
    cable.cut()
    await talk.page.getByRole('status').getByText('Not connected').waitFor()
    cable.mend()
    await talk.page.getByRole('status').getByText('Not connected').waitFor({ state: 'detached', timeout: 60_000 })
    expect(await field(talk.page, 'Message #Rain').inputValue()).toBe('not sent yet')
  })
})
