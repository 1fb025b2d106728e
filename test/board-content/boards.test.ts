import { expect, test } from 'vitest'
import type * as Y from 'yjs'
import { closeClients, openBoard } from '../boards/support.ts'
import type { Person, World } from '../support/world.ts'
import { eachWorld, fresh } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'

/** A closed project of the first person's, with the others as members of the roles given. */
async function projectOf(world: World, owner: Person, members: [Person, string][] = []) {
  const { body } = await world.ask('POST', '/api/v1/projects', {
    as: owner,
    body: { title: fresh('Dub'), isOpen: false },
  })
  for (const [{ id: userId }, role] of members) {
    const path = `/api/v1/projects/${body.id}/members`
    expect((await world.ask('POST', path, { as: owner, body: { userId, role } })).status).toBe(201)
  }
  return body as { id: string; title: string }
}

eachWorld((world) => {
  const ask = (method: string, project: { id: string }, path: string, as: any, body?: unknown, instance = 0) =>
    world().ask(method, `/api/v1/projects/${project.id}/board${path}`, {
      as,
      instance,
      ...(body !== undefined && { body }),
    })
  const operate = (project: { id: string }, as: any, operations: object[], instance = 0) =>
    ask('POST', project, '/operations', as, { operations }, instance)

  test('[CARD-20] operations over REST and sockets are seen by open editors, and the other way round', async () => {
    const [ann, ben, cleo] = (await world().users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
    const project = await projectOf(world(), ann, [
      [ben, 'producer'],
      [cleo, 'viewer'],
    ])
    const editor = openBoard(world(), project.id, ben, 1)
    await editor.synced()
    const first = await operate(project, ann, [
      { op: 'card.add', cardId: 'a', columnId: 'todo', title: 'Bass', assignees: [ben.id] },
    ])
    expect(first).toMatchObject({ status: 200, body: { ids: ['a'], cardIds: ['a'], columnIds: [], noteIds: [] } })
    await world().until(() => editor.cards()['a'])
    editor.doc.transact(() => (editor.doc.getMap('cards').get('a') as Y.Map<any>).set('columnId', 'doing'))
    const moved = async (instance: number) => {
      const { status, body } = await ask('GET', project, '', cleo, undefined, instance)
      expect(status).toBe(200)
      return body.columns[1].cards.length === 1 && body
    }
    const board = await world().until(() => moved(0))
    expect(board).toMatchObject({ title: project.title, unplaced: [], notes: [] })
    expect(board.columns.map(({ title }: any) => title)).toEqual(['To do', 'Doing', 'Done'])
    expect(board.columns[1].cards[0]).toMatchObject({ id: 'a', title: 'Bass', assignees: [ben.id], createdBy: ann.id })
    await world().until(() => moved(1))
    const socket = await world().connect(ann, 1)
    const operations = [{ op: 'note.add', noteId: 'n', title: 'Plan', body: 'one\ntwo' }]
    expect(await socket.emit('board:operate', { projectId: project.id, operations })).toMatchObject({ noteIds: ['n'] })
    await world().until(() => editor.doc.getMap('notes').has('n'))
    expect((editor.doc.getMap('notes').get('n') as Y.Map<any>).get('body').toString()).toBe(
      '<paragraph>one</paragraph><paragraph>two</paragraph>',
    )
    closeClients()
  })

  test('[CARD-21] operations that are not possible, or not allowed, change nothing', async () => {
    const [ann, ben, cleo] = (await world().users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
    const project = await projectOf(world(), ann, [[ben, 'viewer']])
    const before = (await ask('GET', project, '', ann)).body
    const add = { op: 'card.add', columnId: 'todo', title: 'x' }
    const codeOf = async (as: Person, operations: unknown) =>
      (await ask('POST', project, '/operations', as, { operations })).body.code
    expect(await codeOf(ann, [add, { ...add, columnId: 'nowhere' }])).toBe('not_found')
    expect(await codeOf(ann, [add, { op: 'card.fly' }])).toBe('invalid')
    expect(await codeOf(ann, [])).toBe('invalid')
    expect(await codeOf(ann, [{ ...add, assignees: [cleo.id] }])).toBe('invalid')
    expect(await codeOf(ben, [add])).toBe('forbidden')
    expect(await codeOf(cleo, [add])).toBe('not_found')
    expect((await ask('GET', project, '', cleo)).body.code).toBe('not_found')
    expect((await ask('GET', { id: nowhere }, '', ann)).body.code).toBe('not_found')
    const socket = await world().connect(ben, 1)
    expect(await socket.codeOf('board:operate', { projectId: project.id, operations: [add] })).toBe('forbidden')
    expect((await ask('GET', project, '', ann, undefined, 1)).body).toEqual(before)
    const reader = await world().bot(ann, ['boards:read'])
    expect((await operate(project, reader, [add])).body.code).toBe('forbidden')
  })

  test('[CARD-22] sockets of members, and of nobody else, hear what changed and by whom, on every instance', async () => {
    const [ann, ben, cleo] = (await world().users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
    const project = await projectOf(world(), ann, [[ben, 'viewer']])
    const sockets = await Promise.all([world().connect(ann, 0), world().connect(ben, 1), world().connect(cleo, 1)])
    await operate(project, ann, [
      { op: 'card.add', cardId: 'a', columnId: 'todo', title: 'A' },
      { op: 'column.add', columnId: 'late', title: 'Late' },
    ])
    for (const socket of sockets.slice(0, 2)) {
      expect(await socket.next('board:changed')).toEqual({
        projectId: project.id,
        cardIds: ['a'],
        noteIds: [],
        columnIds: ['late'],
        by: ann.id,
      })
    }
    await world().ask('DELETE', `/api/v1/projects/${project.id}/members/${ben.id}`, { as: ann })
    await world().until(async () =>
      (await Promise.all(world().instances.map((each) => each.app!.services.projects.members.idsOf(project.id)))).every(
        (ids) => !ids.includes(ben.id),
      ),
    )
    for (let index = 0; index < 40; index++)
      await operate(project, ann, [{ op: 'card.update', cardId: 'a', title: `A${index}` }])
    await operate(project, ann, [{ op: 'note.add', noteId: 'last', title: 'Last' }])
    await sockets[0].next('board:changed', ({ noteIds }) => noteIds.includes('last'))
    expect(sockets[0].of('board:changed').length).toBeLessThan(41)
    expect(sockets[1].of('board:changed')).toHaveLength(1)
    expect(sockets[2].of('board:changed')).toEqual([])
  })

  test('[CARD-23] activity tells who added, moved, finished, renamed and removed what', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const project = await projectOf(world(), ann, [[ben, 'editor']])
    const editor = openBoard(world(), project.id, ben, 1)
    await editor.synced()
    await operate(project, ann, [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: 'Bass' }])
    await world().until(() => editor.cards()['a'])
    const card = editor.doc.getMap('cards').get('a') as Y.Map<any>
    const acts = async () => (await ask('GET', project, '/activity', ann)).body.items.map(({ act }: any) => act)
    for (const [columnId, act] of [
      ['doing', 'card.moved'],
      ['done', 'card.finished'],
    ] as const) {
      card.set('columnId', columnId)
      await world().until(async () => (await acts())[0] === act)
    }
    await operate(project, ann, [{ op: 'card.update', cardId: 'a', title: 'Bass line', description: 'x' }], 1)
    await world().until(async () => (await acts())[0] === 'card.renamed')
    await operate(project, ann, [{ op: 'card.remove', cardId: 'a' }])
    await world().until(async () => (await acts())[0] === 'card.removed')
    const { body } = await ask('GET', project, '/activity', ben, undefined, 1)
    expect(body.items.map(({ act, userId, title }: any) => [act, userId, title])).toEqual([
      ['card.removed', ann.id, 'Bass line'],
      ['card.renamed', ann.id, 'Bass line'],
      ['card.finished', ben.id, 'Bass'],
      ['card.moved', ben.id, 'Bass'],
      ['card.added', ann.id, 'Bass'],
    ])
    expect(body.items[2]).toMatchObject({ subjectId: 'a', fromColumnId: 'doing', toColumnId: 'done' })
    const page = await ask('GET', project, '/activity?limit=2', ann)
    const rest = await ask('GET', project, `/activity?cursor=${page.body.nextCursor}`, ann)
    expect([...page.body.items, ...rest.body.items]).toEqual(body.items)
    closeClients()
  })

  test('[CARD-24] a version is kept, shown and restored; what it replaces is kept before', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const project = await projectOf(world(), ann, [[ben, 'viewer']])
    const editor = openBoard(world(), project.id, ann, 1)
    await editor.synced()
    await operate(project, ann, [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: 'A', description: 'one' }])
    const kept = await ask('POST', project, '/versions', ann, { name: 'First' })
    expect(kept).toMatchObject({ status: 201, body: { name: 'First', createdBy: ann.id, isAutomatic: false } })
    await operate(project, ann, [
      { op: 'card.update', cardId: 'a', title: 'B', description: 'two' },
      { op: 'card.add', cardId: 'b', columnId: 'done', title: 'New' },
    ])
    const shown = await ask('GET', project, `/versions/${kept.body.id}`, ben, undefined, 1)
    expect(shown.body).toMatchObject({ ...kept.body, content: { columns: [{ cards: [{ title: 'A' }] }, {}, {}] } })
    expect((await ask('POST', project, `/versions/${kept.body.id}/restore`, ben)).body.code).toBe('forbidden')
    const before = await ask('POST', project, `/versions/${kept.body.id}/restore`, ann, undefined, 1)
    expect(before).toMatchObject({ status: 200, body: { isAutomatic: true, name: 'Before restoring First' } })
    const { columns } = (await ask('GET', project, '', ann)).body
    expect(columns.map(({ cards }: any) => cards.map(({ title, description }: any) => [title, description]))).toEqual([
      [['A', 'one']],
      [],
      [],
    ])
    await world().until(() => !editor.cards()['b'] && editor.cards()['a'].title === 'A')
    const listed = (await ask('GET', project, '/versions', ann)).body.items
    expect(listed.map(({ id }: any) => id)).toEqual([before.body.id, kept.body.id])
    const replaced = await ask('GET', project, `/versions/${before.body.id}`, ann)
    expect(replaced.body.content.columns[2].cards).toMatchObject([{ id: 'b', title: 'New' }])
    expect((await ask('DELETE', project, `/versions/${kept.body.id}`, ann)).status).toBe(204)
    expect((await ask('GET', project, `/versions/${kept.body.id}`, ann)).body.code).toBe('not_found')
    expect((await ask('POST', project, '/versions', ben, { name: 'x' })).body.code).toBe('forbidden')
    closeClients()
  })

  test('[CARD-25] the board is exported as JSON and Markdown', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const project = await projectOf(world(), ann)
    await operate(project, ann, [{ op: 'card.add', columnId: 'todo', title: 'Bass', checklist: [{ text: 'Tune' }] }])
    const json = await ask('GET', project, '/export?format=json', ann)
    expect(json.headers.get('Content-Disposition')).toBe(`attachment; filename="${project.title}.json"`)
    expect(json.body).toMatchObject({ title: project.title, columns: [{ cards: [{ title: 'Bass' }] }, {}, {}] })
    const markdown = await ask('GET', project, '/export?format=markdown', ann, undefined, 1)
    expect(markdown.headers.get('Content-Type')).toBe('text/markdown; charset=utf-8')
    expect(markdown.body).toBe(`# ${project.title}\n\n## To do\n\n### Bass\n\n- [ ] Tune\n\n## Doing\n\n## Done\n`)
    expect((await ask('GET', project, '/export?format=pdf', ann)).body.code).toBe('invalid')
    expect((await ask('GET', project, '/export', ben)).body.code).toBe('not_found')
  })

  test('[CARD-26] cards are commented on, and whom they concern is told', async () => {
    const [ann, ben, cleo] = (await world().users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
    const project = await projectOf(world(), ann, [
      [ben, 'editor'],
      [cleo, 'commenter'],
    ])
    await operate(project, ann, [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: 'Bass', assignees: [ben.id] }])
    const sockets = await Promise.all([world().connect(ann, 0), world().connect(ben, 1), world().connect(cleo, 1)])
    const said = await ask('POST', project, '/cards/a/comments', cleo, { content: 'Take two' }, 1)
    expect(said).toMatchObject({
      status: 201,
      body: { authorId: cleo.id, targetType: 'Project', targetId: project.id, cardId: 'a', content: 'Take two' },
    })
    for (const socket of sockets.slice(0, 2)) {
      const news = await socket.next('notification')
      expect(news).toMatchObject({
        type: 'NewComment',
        payload: { actorId: cleo.id, projectId: project.id, cardId: 'a' },
      })
    }
    expect(sockets[2].of('notification')).toEqual([])
    const { body } = await ask('GET', project, '/cards/a/comments', ben)
    expect(body).toEqual({ items: [said.body], nextCursor: null })
    expect((await ask('POST', project, '/cards/nothing/comments', ben, { content: 'x' })).body.code).toBe('not_found')
    const dan = await world().user('Dan')
    expect((await ask('GET', project, '/cards/a/comments', dan)).body.code).toBe('not_found')
    expect((await ask('POST', project, '/cards/a/comments', dan, { content: 'x' })).body.code).toBe('not_found')
  })

  test('[CARD-27] a deleted project takes its board, versions, activity and comments with it', async () => {
    const ann = await world().user('Ann')
    const project = await projectOf(world(), ann)
    await operate(project, ann, [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: 'Bass' }])
    await ask('POST', project, '/versions', ann, { name: 'First' })
    await ask('POST', project, '/cards/a/comments', ann, { content: 'x' })
    const left = async () => {
      const collections = [
        'boardupdates',
        'boardsnapshots',
        'boardparts',
        'boardversions',
        'boardversionparts',
        'boardactivities',
      ]
      const counts = await Promise.all(
        collections.map((name) => world().database.collection(name).countDocuments({ projectId: project.id })),
      )
      const comments = await world().database.collection('comments').countDocuments({ targetId: project.id })
      return counts.reduce((sum, count) => sum + count, comments)
    }
    await world().until(async () => (await left()) >= 4)
    expect((await world().ask('DELETE', `/api/v1/projects/${project.id}`, { as: ann, instance: 1 })).status).toBe(204)
    await world().until(async () => (await left()) === 0)
    expect((await ask('GET', project, '', ann)).body.code).toBe('not_found')
    const job = await world().database.collection('jobs').findOne({ kind: 'board:remove', key: project.id })
    expect(job?.['payload']).toEqual({ projectId: project.id })
  })
})
