import { readFileSync } from 'node:fs'

/** The arguments with which `npm start` runs node, so that tools run what users run. */
export function serverArguments(): string[] {
  const file = new URL('../../package.json', import.meta.url)
  const { scripts } = JSON.parse(readFileSync(file, 'utf8')) as { scripts: { start: string } }
  const [node, ...rest] = scripts.start.split(' ')
  if (node !== 'node') throw new Error(`npm start does not run node: ${scripts.start}`)
  return rest
}
