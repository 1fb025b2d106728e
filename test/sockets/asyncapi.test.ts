import { DiagnosticSeverity, Parser } from '@asyncapi/parser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emissions, events } from '../../rooms/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())

async function parse(document: unknown) {
  const parsed = await new Parser().parse(JSON.stringify(document))
  return {
    document: parsed.document,
    errors: parsed.diagnostics.filter(({ severity }) => severity === DiagnosticSeverity.Error),
  }
}

// The parser takes its time over a document of this size.
test('[SOCK-50] describes every event, its ack and all that the server tells in a valid AsyncAPI 3 document', {
  timeout: 120_000,
}, async () => {
  const { status, body } = await world.ask('GET', '/api/asyncapi.json')
  expect(status).toBe(200)
  expect(body.asyncapi).toBe('3.0.0')
  const { document, errors } = await parse(body)
  expect(errors).toEqual([])
  const received = document!.operations().filterByReceive()
  expect(received.map((operation) => operation.messages().all()[0]!.name()).sort()).toEqual(
    events.map(({ name }) => name).sort(),
  )
  for (const operation of received) expect(operation.reply()!.messages().all()).toHaveLength(1)
  const sent = document!.operations().filterBySend()
  expect(sent.map((operation) => operation.messages().all()[0]!.name()).sort()).toEqual(
    emissions.map(({ name }) => name).sort(),
  )

  // The judge is awake: a message that is not there does not pass.
  const operation = { action: 'receive', channel: { $ref: '#/channels/socket' } }
  const channel = { address: '/', messages: { gone: { $ref: '#/components/messages/gone' } } }
  const broken = { asyncapi: '3.0.0', info: body.info, channels: { socket: channel }, operations: { operation } }
  expect((await parse(broken)).errors).not.toEqual([])
})
