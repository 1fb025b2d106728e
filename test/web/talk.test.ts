import { describe, expect, it } from 'vitest'
import { field, message, setStage } from './stage.ts'

const stage = setStage()

describe('talk', () => {
  it('[WEB-05] shows a message to the other at once, who types, and who has read', async () => {
    const [eva, finn] = await stage.world.users('Eva Noor', 'Finn Hale')
    const room = await stage.roomOf('Duo', [eva!, finn!])
    const [a, b] = await Promise.all([
      stage.visitAs(eva!, `/rooms/${room.id}`),
      stage.visitAs(finn!, `/rooms/${room.id}`),
    ])
    await field(b.page, 'Message #Duo').waitFor()
    await field(a.page, 'Message #Duo').pressSequentially('Hear this @F', { delay: 20 })
    await b.page.getByText('Eva Noor is typing').waitFor()
    await a.page.getByRole('option', { name: 'Finn Hale' }).waitFor()
    await a.page.keyboard.press('Tab')
    await a.page.keyboard.type('[take](https://example.com/)')
    await a.page.keyboard.press('Enter')
    const heard = message(b.page, 'Hear this')
    await heard.locator('.mention.me', { hasText: '@Finn Hale' }).waitFor()
    expect(await heard.getByRole('link').getAttribute('rel')).toContain('noopener')
    await b.page.bringToFront()
    await a.page.getByText('Seen by Finn Hale').waitFor()
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })

  it('[WEB-06] replies, edits, reacts, pins and deletes, seen by the other', async () => {
    const [gus, hana] = await stage.world.users('Gus Weir', 'Hana Ito')
    const room = await stage.roomOf('Changes', [gus!, hana!])
    await stage.say(hana!, room.id, 'Which key?')
    const [a, b] = await Promise.all([
      stage.visitAs(gus!, `/rooms/${room.id}`),
      stage.visitAs(hana!, `/rooms/${room.id}`),
    ])
    await message(a.page, 'Which key?').hover()
    await a.page.getByRole('button', { name: 'Reply', exact: true }).click()
    await field(a.page, 'Message #Changes').fill('C minor')
    await a.page.keyboard.press('Enter')
    await message(b.page, 'C minor').locator('.quoted', { hasText: 'Which key?' }).waitFor()
    // The arrow up in an empty field edits the last one.
    await field(a.page, 'Message #Changes').press('ArrowUp')
    await field(a.page, 'Editing a message').fill('C sharp minor')
    await a.page.keyboard.press('Enter')
    await message(b.page, 'C sharp minor').getByText('(edited)').waitFor()
    await message(b.page, 'C sharp minor').hover()
    await b.page.getByRole('button', { name: 'React with 👍' }).click()
    await message(a.page, 'C sharp minor').getByRole('button', { name: '👍, 1 person' }).waitFor()
    await message(b.page, 'C sharp minor').getByRole('button', { name: 'More actions' }).click()
    await b.page.getByRole('menuitem', { name: 'Pin' }).click()
    await a.page.getByRole('button', { name: 'Pinned' }).click()
    await a.page.getByRole('complementary').getByText('C sharp minor').waitFor()
    await message(a.page, 'C sharp minor').first().focus()
    await a.page.keyboard.press('Delete')
    await a.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await b.page.getByText('This message was deleted').waitFor()
    expect(await message(b.page, 'C sharp minor').count()).toBe(0)
  })

  it('[WEB-07] counts what is unread and mentions, draws a line before them, and forgets them when read', async () => {
    const [ines, jon] = await stage.world.users('Ines Roy', 'Jon Abel')
    const [quiet, loud] = [await stage.roomOf('Quiet', [ines!, jon!]), await stage.roomOf('Loud', [ines!, jon!])]
    await stage.say(jon!, loud.id, 'old news')
    const { page } = await stage.visitAs(ines!, `/rooms/${loud.id}`)
    await message(page, 'old news').waitFor()
    await page.getByRole('link', { name: 'Quiet' }).click()
    await page.waitForURL(`**/rooms/${quiet.id}`)
    await stage.world.until(
      async () =>
        (await stage.world.ask('GET', '/api/v1/notifications?unread=true', { as: ines! })).body.items.length === 0,
    )
    await stage.say(jon!, loud.id, 'one')
    await stage.say(jon!, loud.id, 'two for @Ines Roy')
    await page.getByRole('link', { name: 'Loud @1 Mention 2 2 unread' }).click()
    const line = page.locator('.new')
    await line.waitFor()
    expect(await page.locator('.new ~ article').first().textContent()).toContain('one')
    await page.getByRole('link', { name: 'Loud', exact: true }).waitFor()
  })

  it('[WEB-11] shows Markdown, and nothing of what could harm', async () => {
    const omar = await stage.world.user('Omar Faye')
    const room = await stage.roomOf('Marks', [omar])
    const bad =
      '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script> [x](javascript:alert(1)) ![p](https://example.com/p.png)'
    await stage.say(omar, room.id, `${bad}\n\n- *one*\n- \`a < b\``)
    const { page, complaints } = await stage.visitAs(omar, `/rooms/${room.id}`)
    const row = page.locator('article.message')
    await row.locator('li em', { hasText: 'one' }).waitFor()
    expect(await row.locator('code').textContent()).toBe('a < b')
    expect(await row.locator('img, script, [onerror], a[href^="javascript"]').count()).toBe(0)
    expect(await page.evaluate('window.harmed')).toBeUndefined()
    expect(complaints).toEqual([])
  })

  it('[WEB-21] attaches a picture, shown to the other', async () => {
    const [ida, kai] = await stage.world.users('Ida Wolf', 'Kai Reed')
    const room = await stage.roomOf('Covers', [ida!, kai!])
    const [a, b] = await Promise.all([
      stage.visitAs(ida!, `/rooms/${room.id}`),
      stage.visitAs(kai!, `/rooms/${room.id}`),
    ])
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
    const file = { name: 'cover.png', mimeType: 'image/png', buffer: Buffer.from(pixel, 'base64') }
    await a.page.getByLabel('Attach images or audio').setInputFiles(file)
    await a.page.getByRole('button', { name: 'Send', disabled: false }).click()
    const picture = message(b.page, 'cover.png').getByRole('img', { name: 'cover.png' })
    await picture.waitFor()
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1)
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })
})
