/** `npm run bench`: lists the benchmarks; `npm run bench -- NAME [options]` runs one. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BENCHMARKS: Record<string, { file: string; about: string }> = {
  chat: { file: 'chat.ts', about: 'acks, deliveries, two instances, memory, reconnecting, beside bare Socket.IO apps' },
  rest: { file: 'rest.ts', about: 'three REST routes beside the same in bare Hono and Fastify' },
  matching: { file: 'matching.ts', about: 'what one user’s new matches cost among 1,000, 10,000 and 100,000 users' },
  beside: { file: 'beside.ts', about: 'acks of chat while songs are uploaded and analysed' },
  boards: { file: 'boards.ts', about: 'boards beside @hocuspocus/server and @y/websocket-server' },
  web: { file: 'web.ts', about: 'how a room of 100,000 messages and a board of 2,000 cards open and move in Chromium' },
  fanout: { file: 'fanout.ts', about: 'the batching adapter beside the stock one, through stock clients' },
}

const [name, ...args] = process.argv.slice(2)
const benchmark = name === undefined ? undefined : BENCHMARKS[name]
if (benchmark) {
  const file = fileURLToPath(new URL(benchmark.file, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { stdio: 'inherit' })
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0)
  })
} else {
  if (name !== undefined && name !== '--help') {
    process.stderr.write(`no benchmark ${name}\n`)
    process.exitCode = 1
  }
  process.stdout.write('npm run bench -- NAME [options]\n')
  for (const [key, { about }] of Object.entries(BENCHMARKS)) process.stdout.write(`  ${key.padEnd(8)} ${about}\n`)
}
