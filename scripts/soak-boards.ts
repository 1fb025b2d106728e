/** `npm run soak:boards`: the tests of boards that repeat themselves, as often as promises are to be shown by. */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

const USAGE = `npm run soak:boards -- [options]
  --rounds N   SIGKILLs of two instances after an edit was seen, and rights taken away (200)
  --seeds N    seeds of 200 random edits by four clients with faults (50)
  --only IDS   of 06 (rights), 31 (SIGKILL), 39 (random edits); comma-separated (all)
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seeds: { type: 'string', default: '50' },
    only: { type: 'string', default: '06,31,39' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(USAGE)
else {
  const ids = values.only.split(',').join('|')
  const child = spawn('npx', ['vitest', 'run', 'test/boards', '-t', `BOARD-(${ids})`], {
    stdio: 'inherit',
    env: { ...process.env, BOARD_ROUNDS: values.rounds, BOARD_SEEDS: values.seeds },
  })
  child.once('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
