import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { runProgram } from '../../src/infra/subprocess.ts'

/** An S3-compatible store with an empty bucket. */
export interface TestS3 {
  /** For STORAGE_URL. */
  url: string
  close(): Promise<void>
}

const folder = join(tmpdir(), 'phantom-moto')

/** Path of moto's server: `MOTO_SERVER`, else one kept in the temporary folder, installed there with pip once. */
async function findMoto(): Promise<string> {
  const given = process.env['MOTO_SERVER']
  if (given) return given
  const kept = join(folder, 'bin', 'moto_server')
  const isThere = () =>
    access(kept).then(
      () => true,
      () => false,
    )
  if (await isThere()) return kept
  for (const [program, args] of [
    ['python3', ['-m', 'venv', folder]],
    [join(folder, 'bin', 'pip'), ['install', '--quiet', 'moto[server]==5.2.5']],
  ] as const) {
    const run = await runProgram(program, [...args], { timeoutMs: 240_000 })
    if (run.code !== 0) throw new Error(`moto could not be installed: ${run.stderr}${run.failure ?? ''}`)
  }
  return kept
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Starts one in memory, on a free port. */
export async function startTestS3(): Promise<TestS3> {
  const program = await findMoto()
  const port = await freePort()
  const child = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  })
  try {
    const end = Date.now() + 30_000
    while (true) {
      try {
        await client.send(new CreateBucketCommand({ Bucket: 'sound' }))
        break
      } catch (error) {
        if (Date.now() > end || child.exitCode !== null) throw error
        await new Promise((done) => setTimeout(done, 200))
      }
    }
    return { url: `s3://key:secret@127.0.0.1:${port}/sound?region=us-east-1&ssl=false`, close }
  } catch (error) {
    await close()
    throw error
  } finally {
    client.destroy()
  }
}
