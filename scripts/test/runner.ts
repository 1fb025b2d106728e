// Runs vitest in a process of its own and sends its parent the tally: vitest may crash, hang or catch signals as it likes.
import { parseCLI, startVitest } from 'vitest/node'
import { createTallyReporter } from './tally.ts'

// The parent is gone, so nobody waits for the answer.
process.on('disconnect', () => process.exit(1))

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
const reporter = createTallyReporter(options.testNamePattern !== undefined)
const vitest = await startVitest('test', filter, { ...options, watch: false, reporters: ['default', reporter] })
const tally = reporter.tally()
await new Promise((sent) => process.send!({ tally, exitCode: process.exitCode ?? 0 }, sent))
await vitest.close()
process.exit()
