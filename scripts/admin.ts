// npm run admin -- <command>: what those who run the server do from the command line.
import { parseArgs } from 'node:util'
import { ConfigError, readConfig } from '../src/config.ts'
import { botToken, createAdmin, revokeSessions } from './admin/accounts.ts'
import { reanalyse } from './admin/analysis.ts'
import { exportAll, importAll } from './admin/archive.ts'
import { type Command, describeCommand, type Given, parserOptions, UsageError } from './admin/command.ts'
import { doctor } from './admin/doctor.ts'

const commands: Command[] = [createAdmin, botToken, revokeSessions, reanalyse, exportAll, importAll, doctor]

const help = [
  'npm run admin -- <command> [options]',
  '',
  ...commands.map(({ name, summary }) => `  ${name.padEnd(18)}${summary}`),
  '',
  'npm run admin -- <command> --help tells more. Commands use the environment of the server: MONGODB_URI, or the',
  'MongoDB of the instance that runs on DATA_DIR, or that of DATA_DIR itself, and REDIS_URL where it is set.',
  'Exit codes: 0 done, 1 failed, 2 not understood.',
].join('\n')

async function run(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help)
    return name === undefined ? 2 : 0
  }
  const command = commands.find((each) => each.name === name)
  if (!command)
    throw new UsageError(`There is no command "${name}"; there are ${commands.map((each) => each.name).join(', ')}`)
  const given = read(command, rest)
  if (given === null) {
    console.log(describeCommand(command))
    return 0
  }
  return command.run(given, {
    config: () => readConfig(process.env),
    print: (line) => console.log(line),
    progress: (line) => console.error(line),
  })
}

/** The options; null where help was asked for. Throws a UsageError. */
function read(command: Command, args: string[]): Given | null {
  let values: Record<string, unknown>
  try {
    const allowPositionals = command.operand !== undefined
    const parsed = parseArgs({ args, options: parserOptions(command), strict: true, allowPositionals })
    values = { ...parsed.values }
    if (parsed.positionals.length > 1) throw new Error(`One ${command.operand!.value} is expected`)
    if (parsed.positionals.length === 1) values['operand'] = parsed.positionals[0]
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${describeCommand(command)}`)
  }
  if (values['help']) return null
  if (command.operand && values['operand'] === undefined) {
    throw new UsageError(`${command.operand.value} is missing\n\n${describeCommand(command)}`)
  }
  for (const [option, { required }] of Object.entries(command.options)) {
    if (required && values[option] === undefined) {
      throw new UsageError(`--${option} is missing\n\n${describeCommand(command)}`)
    }
  }
  return values as Given
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  const known = error instanceof UsageError || error instanceof ConfigError
  console.error(error instanceof Error ? error.message : error)
  if (!known && process.env['LOG_LEVEL'] === 'debug') console.error(error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
