import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startApp } from './app.ts'
import { ConfigError, readConfig } from './config.ts'
import { createLogger } from './infra/logger.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** Starts the role that the command line names, and ends it on a signal. */
async function main() {
  const role = process.argv[2] ?? 'web'
  if (role !== 'web' && role !== 'worker') {
    console.error(`There is no role "${role}": give web or worker`)
    process.exit(2)
  }
  const config = readConfig(process.env)
  const pretty = process.stdout.isTTY === true
  const logger = createLogger(config.logLevel, pretty)
  const quiet = config.logLevel === 'silent'
  const app = await startApp(config, {
    logger,
    version,
    role,
    webHome: fileURLToPath(new URL('../dist/web', import.meta.url)),
    progress: (line) => {
      if (!quiet) console.error(line)
    },
  })
  if (!quiet && role === 'worker') console.error(`Phantom Power ${version} works on jobs`)
  if (!quiet && role === 'web')
    console.error(`Phantom Power ${version} listens on ${config.publicUrl.replace(/:0$/, `:${app.port}`)}`)

  let stopping = false
  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    logger.info({ signal }, 'draining')
    app.close(12_000, 1_000).then(
      () => process.exit(0),
      (error) => {
        logger.error({ err: error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
    // Whatever hangs, the process is gone in time.
    setTimeout(() => process.exit(1), 14_500).unref()
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'a rejection was not handled'))
}

main().catch((error) => {
  if (error instanceof ConfigError) console.error(error.message)
  else console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
