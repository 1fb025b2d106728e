import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

// Builds `phantom-power/client` into dist/client; `npm ci` runs it, also where it leaves out the development
// dependencies, which the server alone does not need.
let compiler: string | null = null
try {
  compiler = createRequire(import.meta.url).resolve('typescript/package.json')
} catch {
  console.log('phantom-power/client is not built: TypeScript is not installed (development dependencies left out)')
}
if (compiler) {
  const tsc = join(dirname(compiler), 'bin', 'tsc')
  const project = join(import.meta.dirname, '..', 'tsconfig.client.json')
  const { status, error } = spawnSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' })
  if (error) throw error
  process.exitCode = status ?? 1
}
