import { readFileSync } from 'node:fs'
import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ConfigError } from '../../src/config.ts'
import type { Command } from './command.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const GiB = 1024 ** 3

export const doctor: Command = {
  name: 'doctor',
  summary: 'Checks what the server needs, and says what to do about what is not right.',
  notes: [
    'Each line is ok, warn or FAIL. The exit code is 1 where one fails. Nothing is changed, but for a trial write.',
    'Where no instance runs on DATA_DIR, its MongoDB is started for the check.',
  ],
  options: {},
  async run(_given, { config: readConfig, print, progress }) {
    const findings: Finding[] = []
    const report = (...found: Finding[]) => {
      for (const { grade, subject, text } of found) print(`${grade.padEnd(5)} ${subject}: ${text}`)
      findings.push(...found)
    }
    report(checkNode(process.versions.node))
    try {
      const config = readConfig()
      report(ok('configuration', 'all variables are valid'))
      report(...(await checkDataDir(config.dataDir)))
      report(await checkSecret(config))
      const [{ checkMongo }, { checkRedis }] = await Promise.all([
        import('./doctor-mongo.ts'),
        import('./doctor-redis.ts'),
      ])
      report(...(await checkMongo(config, progress)))
      report(...(await checkRedis(config.redisUrl)))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      report(fail('configuration', `${error.message}. Correct the variable; docs/operating.md explains each`))
    }
    const count = (grade: Finding['grade']) => findings.filter((finding) => finding.grade === grade).length
    print(`${findings.length} checks: ${count('ok')} ok, ${count('warn')} warn, ${count('FAIL')} fail`)
    return count('FAIL') > 0 ? 1 : 0
  },
}

export function checkNode(version: string): Finding {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const [needMajor, needMinor] = /(\d+)\.(\d+)/.exec(engines.node)!.slice(1).map(Number) as [number, number]
  const [major, minor] = version.split('.').map(Number) as [number, number]
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return ok('Node', version)
  return fail('Node', `${version} is too old. Install ${engines.node.replace('>=', '')} or newer`)
}

async function checkDataDir(dataDir: string): Promise<Finding[]> {
  const path = resolve(dataDir)
  const trial = join(path, `.doctor-${process.pid}`)
  try {
    await mkdir(path, { recursive: true })
    await writeFile(trial, '')
    await rm(trial)
  } catch (error) {
    const why = (error as Error).message
    return [fail('DATA_DIR', `${path} is not writable (${why}). Give it to the user of the server, or set DATA_DIR`)]
  }
  const disk = await statfs(path)
  const free = disk.bavail * disk.bsize
  const text = `${(free / GiB).toFixed(1)} GiB free at ${path}`
  return [
    ok('DATA_DIR', `${path} is writable`),
    free < GiB / 2
      ? fail('disk', `${text}: MongoDB stops when it is full. Make room`)
      : free < 5 * GiB
        ? warn('disk', `${text}: make room before long`)
        : ok('disk', text),
  ]
}

async function checkSecret(config: { dataDir: string; jwtSecrets: string[] | undefined }): Promise<Finding> {
  if (config.jwtSecrets) return ok('secret', `JWT_SECRET holds ${config.jwtSecrets.length}`)
  const path = join(resolve(config.dataDir), 'jwt-secret')
  try {
    const mode = (await stat(path)).mode & 0o777
    if (mode === 0o600) return ok('secret', `${path} is its owner's alone`)
    const shown = mode.toString(8).padStart(4, '0')
    return fail(
      'secret',
      `${path} has mode ${shown}: others can sign tokens. Run chmod 600 on it, or remove it: all log in again`,
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return ok('secret', 'none yet; the first start makes one')
  }
}
