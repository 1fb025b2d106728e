// npm run check: all that can be told without running the server. Every step runs, also after one that failed.
import { dirname, join, resolve } from 'node:path'
import { runProgram } from '../src/infra/subprocess.ts'

const STEP_MS = 5 * 60_000
const root = resolve(dirname(import.meta.filename), '..')
const bin = (name: string) => join(root, 'node_modules', '.bin', name)
const script = (name: string) => [process.execPath, '--import', 'tsx', join(root, 'scripts', name)]

const STEPS: [title: string, command: string[]][] = [
  ['types', [bin('tsc'), '--noEmit', '-p', '.']],
  ['lint and format', [bin('biome'), 'check', '--error-on-warnings', '.']],
  ['import directions', script('check-imports.ts')],
  ['unused code', [bin('knip'), '--no-progress']],
  ['documents', script('check-docs.ts')],
]

let failures = 0
for (const [title, [command, ...args]] of STEPS) {
  const startedAt = performance.now()
  const run = await runProgram(command!, args, { cwd: root, timeoutMs: STEP_MS })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const passed = run.code === 0 && run.failure === undefined
  if (!passed) {
    failures++
    console.error(`${run.stdout}${run.stderr}${run.failure ?? ''}`.trimEnd())
  }
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${title} (${seconds} s)`)
}
console.log(failures === 0 ? 'check: all steps passed' : `check: ${failures} of ${STEPS.length} steps failed`)
process.exitCode = failures === 0 ? 0 : 1
