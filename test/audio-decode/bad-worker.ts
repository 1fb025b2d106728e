// Stands in for the worker of the pool, and does what the path of its task says.
import type { WorkerTask } from '../../src/audio/workers/messages.ts'

const held: Buffer[] = []

process.on('message', ({ id, path }: WorkerTask) => {
  if (path === 'loop') for (;;);
  if (path === 'exit') process.exit(3)
  if (path === 'hoard') setInterval(() => held.push(Buffer.alloc(40 * 2 ** 20, held.length + 1)), 20)
  if (path === 'wait') setTimeout(() => process.send?.({ kind: 'done', id, output: { seconds: process.pid } }), 3_000)
  if (path === 'answer') process.send?.({ kind: 'done', id, output: { seconds: process.pid } })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ kind: 'ready' })
