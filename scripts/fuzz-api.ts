/** `npm run fuzz:api`: schemathesis against a server of our own, as a user and as an admin; see docs/operating.md. */
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { createLogger } from '../src/infra/logger.ts'
import { complaint, runProgram } from '../src/infra/subprocess.ts'

const USAGE = `npm run fuzz:api -- [options]
  --examples N   generated cases a route at most, beside those that cover its declaration (10)
  --minutes N    for each caller, at most (30)
  --seconds N    for each caller: ends then, with what was asked so far, and at the first failure
  --as NAMES     of user, admin; comma-separated (both)
  --seed N       of the generated cases (1)
  --only REGEX   of the path
  --phases NAMES of examples, coverage, fuzzing; comma-separated (all): coverage alone takes minutes
  --workers N    requests at once (1)
`
const SCHEMATHESIS = 'schemathesis==4.32.5'
/** Ends the caller's own session: it is asked last, alone. */
const fatal = '^/api/v1/auth/logout$'

/** The path of schemathesis, in a virtual environment of its own in the user's cache. */
async function ensureSchemathesis(): Promise<string> {
  const home = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'phantom-power',
    SCHEMATHESIS.replace('==', '-'),
  )
  const program = join(home, 'bin', 'schemathesis')
  if ((await runProgram(program, ['--version'], { timeoutMs: 60_000 })).code === 0) return program
  process.stdout.write(`installing ${SCHEMATHESIS} into ${home}\n`)
  for (const [command, args] of [
    ['python3', ['-m', 'venv', home]],
    [join(home, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', SCHEMATHESIS]],
  ] as const) {
    const run = await runProgram(command, args, { timeoutMs: 10 * 60_000, env: process.env })
    if (run.code !== 0) throw new Error(`${SCHEMATHESIS} could not be installed: ${command}: ${complaint(run)}`)
  }
  return program
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      examples: { type: 'string', default: '10' },
      minutes: { type: 'string', default: '30' },
      seconds: { type: 'string' },
      as: { type: 'string', default: 'user,admin' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      phases: { type: 'string', default: 'examples,coverage,fuzzing' },
      workers: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const program = await ensureSchemathesis()
  const dataDir = await mkdtemp(join(tmpdir(), 'phantom-power-fuzz-'))
  const admin = { email: 'admin@example.com', password: 'a long enough password' }
  const config = readConfig({
    PATH: process.env['PATH'],
    MONGOD_BIN: process.env['MONGOD_BIN'],
    PORT: '0',
    DATA_DIR: dataDir,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'error',
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  })
  const app = await startApp(config, {
    logger: createLogger('error', false),
    version: 'fuzz',
    checkOutput: true,
    passwordCost: 4,
  })
  try {
    const base = `http://127.0.0.1:${app.port}`
    const ask = async (path: string, body: object) => {
      const response = await fetch(base + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as { accessToken: string }
    }
    await ask('/api/v1/auth/register', { email: 'user@example.com', password: 'another long one', displayName: 'User' })
    let failed = 0
    for (const name of values.as.split(',')) {
      // A log-in for each run: an access token lasts 15 minutes, so a longer run goes on with what a token that ran out gets.
      const who = name === 'admin' ? admin : { email: 'user@example.com', password: 'another long one' }
      const { accessToken } = await ask('/api/v1/auth/login', who)
      process.stdout.write(`\n== as ${name} ==\n`)
      const bound = values.seconds ? ['--max-time', values.seconds, '--max-failures', '1'] : []
      const paths = values.only
        ? [[...bound, '--include-path-regex', values.only, '--exclude-path-regex', fatal]]
        : [
            [...bound, '--exclude-path-regex', fatal],
            ['--include-path-regex', fatal],
          ]
      for (const which of paths) {
        const run = await runProgram(
          program,
          [
            'run',
            `${base}/api/openapi.json`,
            ...['--url', base, '--header', `Authorization: Bearer ${accessToken}`],
            ...['--max-examples', values.examples, '--seed', values.seed, '--workers', values.workers],
            // What a schema allows can still be refused for what is there: a used token, a message to oneself.
            ...['--checks', 'all', '--exclude-checks', 'positive_data_acceptance'],
            ...['--phases', values.phases, '--request-timeout', '30', '--suppress-health-check', 'all'],
            // The server's speed is not asked for here, and the machine may be busy.
            ...['--max-response-time', '30', '--warnings', 'off', '--continue-on-failure'],
            ...which,
          ],
          {
            timeoutMs: Number(values.minutes) * 60_000,
            env: { ...process.env, SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'fuzz-hooks.py') },
            onOutput: (text) => process.stdout.write(text),
          },
        )
        if (run.code !== 0) failed++
        if (run.failure) process.stdout.write(`${run.failure}\n`)
      }
    }
    return failed === 0 ? 0 : 1
  } finally {
    await app.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`fuzz:api: ${(error as Error).message}`)
  process.exitCode = 1
}
