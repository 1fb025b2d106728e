import type { Readable } from 'node:stream'
import { Readable as NodeReadable, PassThrough } from 'node:stream'
import { AppError, notFound } from '../../kernel/errors.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { checkKey } from './failures.ts'

/** What one upload holds in memory: parts of this size, this many at once. */
const partBytes = 8 * 1024 * 1024
const partsAtOnce = 2

const isMissing = (error: unknown) =>
  ['NotFound', 'NoSuchKey', 'NoSuchUpload'].includes((error as { name?: string } | null)?.name ?? '')

/** What a failure of the store is to the caller: its absence and its fullness are not the request's fault. */
function s3Failure(cause: unknown): unknown {
  if (cause instanceof AppError) return cause
  const {
    name = '',
    $metadata,
    code,
  } = (cause ?? {}) as {
    name?: string
    code?: string
    $metadata?: { httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode
  if (status === 507 || /QuotaExceeded|StorageFull/.test(name)) {
    return new AppError('unavailable', 'No room is left to store this', { status: 507, cause, retryAfterMs: 600_000 })
  }
  const away = /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN)/.test(code ?? '') || name === 'TimeoutError'
  if (away || (status !== undefined && status >= 500)) {
    return new AppError('unavailable', 'The storage is out of reach; try again', { cause, retryAfterMs: 2_000 })
  }
  return cause
}

/**
 * An S3-compatible store: `s3://key:secret@host:port/bucket?region=us-east-1&ssl=false`. TLS unless `ssl=false`; key
 * and secret percent-encoded; without them those of the environment count, as the SDK finds them.
 */
export async function createS3Storage(address: string): Promise<ObjectStorage> {
  const url = new URL(address)
  const bucket = decodeURIComponent(url.pathname.replace(/^\/+|\/+$/g, ''))
  if (!bucket || bucket.includes('/')) throw new TypeError('STORAGE_URL: name a bucket: s3://key:secret@host/bucket')
  const settings = {
    region: url.searchParams.get('region') ?? 'us-east-1',
    endpoint: `${url.searchParams.get('ssl') === 'false' ? 'http' : 'https'}://${url.host}`,
    forcePathStyle: true,
    ...(url.username && {
      credentials: {
        accessKeyId: decodeURIComponent(url.username),
        secretAccessKey: decodeURIComponent(url.password),
      },
    }),
    // Stores other than Amazon's know no checksums in trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
  }
  // Loaded where they are wanted: a start without them takes a fifth less.
  const [sdk, { Upload }, { S3Store }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/lib-storage'),
    import('@tus/s3-store'),
  ])
  const client = new sdk.S3Client(settings)
  const at = (key: string) => ({ Bucket: bucket, Key: checkKey(key) })

  return {
    async put(key, source) {
      let bytes = 0
      async function* counted() {
        for await (const chunk of source) {
          bytes += chunk.length
          yield chunk
        }
      }
      const body = new PassThrough({ highWaterMark: partBytes })
      const from = NodeReadable.from(counted(), { objectMode: false })
      from.on('error', (error) => body.destroy(error))
      const upload = new Upload({
        client,
        params: { ...at(key), Body: from.pipe(body) },
        partSize: partBytes,
        queueSize: partsAtOnce,
      })
      try {
        await upload.done()
        return bytes
      } catch (error) {
        from.destroy()
        await upload.abort().catch(() => {})
        throw s3Failure(from.errored ?? error)
      }
    },
    async get(key, range) {
      const Range = range && `bytes=${range.start}-${range.end}`
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ ...at(key), Range }))
        return Body as Readable
      } catch (error) {
        if (isMissing(error)) throw notFound('File')
        throw s3Failure(error)
      }
    },
    async head(key) {
      try {
        const { ContentLength = 0, LastModified } = await client.send(new sdk.HeadObjectCommand(at(key)))
        return { key, bytes: ContentLength, changedAt: LastModified ?? new Date() }
      } catch (error) {
        if (isMissing(error)) return null
        throw s3Failure(error)
      }
    },
    async remove(key) {
      try {
        await client.send(new sdk.DeleteObjectCommand(at(key)))
      } catch (error) {
        if (!isMissing(error)) throw s3Failure(error)
      }
    },
    async *list(prefix) {
      let next: string | undefined
      do {
        const page = await client.send(
          new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next }),
        )
        for (const { Key, Size = 0, LastModified } of page.Contents ?? []) {
          if (Key) yield { key: Key, bytes: Size, changedAt: LastModified ?? new Date() }
        }
        next = page.NextContinuationToken
      } while (next)
    },
    resumable() {
      const store = new S3Store({
        partSize: partBytes,
        maxConcurrentPartUploads: 4,
        useTags: false,
        s3ClientConfig: { bucket, ...settings },
      })
      store.extensions = ['creation', 'creation-with-upload', 'termination']
      return store
    },
    async sweep(before) {
      const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: 1_000 }))
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (!Key || !UploadId || !Initiated || Initiated >= before) continue
        await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
      }
    },
    close: () => client.destroy(),
  }
}
