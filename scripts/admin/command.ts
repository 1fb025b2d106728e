import type { ParseArgsConfig } from 'node:util'
import type { Config } from '../../src/config.ts'

/** What a command was given, by option; each at most once. What stands without an option is `operand`. */
export type Given = Record<string, string | undefined>

/** An option that takes a value. */
interface OptionHelp {
  /** Stands for the value in the help. */
  value: string
  summary: string
  required?: boolean
}

export interface Command {
  name: string
  summary: string
  /** Further lines of its help. */
  notes: string[]
  /** What it takes without an option; always required. */
  operand?: OptionHelp
  options: Record<string, OptionHelp>
  /** Does it and returns the exit code: 0 done, 1 failed. What it throws is shown, and means 1. */
  run(given: Given, context: CommandContext): Promise<number>
}

export interface CommandContext {
  /** Throws a ConfigError. */
  config(): Config
  /** What the command has to tell: stdout. */
  print(line: string): void
  /** What it is doing meanwhile: stderr. */
  progress(line: string): void
}

/** The line was not understood: exit code 2. */
export class UsageError extends Error {}

/** The declaration as `parseArgs` takes it; every command knows `--help`. */
export function parserOptions(command: Command): NonNullable<ParseArgsConfig['options']> {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const name of Object.keys(command.options)) options[name] = { type: 'string' }
  return options
}

/** The help of one command. */
export function describeCommand(command: Command): string {
  const usage = Object.entries(command.options).map(([name, { value, required }]) =>
    required ? `--${name} ${value}` : `[--${name} ${value}]`,
  )
  if (command.operand) usage.push(command.operand.value)
  const width = Math.max(0, ...Object.entries(command.options).map(([name, { value }]) => name.length + value.length))
  const lines = Object.entries(command.options).map(
    ([name, { value, summary }]) => `  --${`${name} ${value}`.padEnd(width + 3)}${summary}`,
  )
  return [
    `npm run admin -- ${[command.name, ...usage].join(' ')}`,
    '',
    command.summary,
    ...command.notes,
    ...(command.operand ? ['', `  ${command.operand.value.padEnd(width + 5)}${command.operand.summary}`] : []),
    ...(lines.length > 0 ? [...(command.operand ? [] : ['']), ...lines] : []),
  ].join('\n')
}
