import { createHash } from 'node:crypto'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { complaint, runProgram } from '../../src/infra/subprocess.ts'

export const librosaBot = join(import.meta.dirname, '..', '..', 'examples', 'librosa-bot', 'bot.py')
const requirements = join(import.meta.dirname, '..', '..', 'examples', 'librosa-bot', 'requirements.txt')

const VENV_MS = 2 * 60_000
const INSTALL_MS = 10 * 60_000
const WARM_MS = 8 * 60_000

/**
 * The path of a Python that has what the librosa bot requires, in a virtual environment of its own in the user's cache; made
 * once. `sound` is a file to be heard then, as numba compiles librosa at its first use. Throws where there is no Python
 * 3.11 with venv and pip, or no way to its packages.
 */
export async function ensureLibrosa(sound: string, log: (line: string) => void = console.log): Promise<string> {
  const stamp = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12)
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'phantom-power')
  const home = join(cache, `librosa-bot-${stamp}`)
  const python = join(home, 'bin', 'python')
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    )
  if (await isThere(join(home, 'heard'))) return python
  if (!(await isThere(home))) {
    log(`installing librosa into ${home}`)
    await mkdir(cache, { recursive: true })
    // Another run may be at the same; whoever is first puts its own there whole.
    const own = `${home}-${process.pid}`
    try {
      await run('python3', ['-m', 'venv', own], VENV_MS)
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]
      await run(join(own, 'bin', 'python'), pip, INSTALL_MS)
      await rename(own, home).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      })
    } finally {
      await rm(own, { recursive: true, force: true })
    }
  }
  await run(python, [librosaBot, sound], WARM_MS)
  await writeFile(join(home, 'heard'), '')
  return python
}

async function run(command: string, args: string[], timeoutMs: number): Promise<void> {
  const result = await runProgram(command, args, { timeoutMs, env: process.env })
  if (result.code !== 0) {
    throw new Error(
      `the librosa bot needs Python 3.11 with venv and pip: ${command} ${args.join(' ')}: ${complaint(result)}`,
    )
  }
}
