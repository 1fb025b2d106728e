import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPace } from '../../src/infra/storage/pace.ts'
import { release } from '../../src/infra/storage/release.ts'

async function* chunks(count: number, bytes: number) {
  for (let at = 0; at < count; at++) yield new Uint8Array(bytes).fill(at)
}

describe('uploads beside those who chat', () => {
  test('[FILE-33] lets uploads come at a rate that they share, whole and in order, the first one first and none left behind', async () => {
    const rate = 4 * 2 ** 20
    // More than may come at once: however late a turn is, one chunk goes in it.
    const bytes = 128 * 1024
    const count = 8
    const pace = createPace(rate)
    const began = performance.now()
    const order: number[] = []
    const uploads = Array.from({ length: 4 }, async (_, upload) => {
      let at = 0
      for await (const chunk of pace.through(chunks(count, bytes))) {
        expect(Buffer.compare(chunk, new Uint8Array(bytes).fill(at++))).toBe(0)
        order.push(upload)
      }
      expect(at).toBe(count)
      return performance.now()
    })
    const ended = await Promise.all(uploads)
    const seconds = (Math.max(...ended) - began) / 1000
    // All but what may come at once after a rest; a slow machine is slower.
    expect((4 * count * bytes) / seconds).toBeLessThan(rate * 1.2)
    // The first has come before the last, and yet the last began long before the first was whole.
    expect(ended[0]!).toBeLessThan(ended[3]!)
    expect(order.indexOf(3)).toBeLessThan(order.lastIndexOf(0))
    const first = order.slice(0, count).filter((upload) => upload === 0).length
    expect(first).toBeGreaterThan(count / 2)
  })

  test('[FILE-35] leaves the rate to the others where an upload fails or is given up', async () => {
    const pace = createPace(2 ** 20)
    const isClosed = { broken: false, left: false }
    async function* broken() {
      try {
        yield new Uint8Array(64 * 1024)
        throw new Error('cut off')
      } finally {
        isClosed.broken = true
      }
    }
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(64 * 1024)
      } finally {
        isClosed.left = true
      }
    }
    const failing = (async () => {
      for await (const chunk of pace.through(broken())) expect(chunk.length).toBe(64 * 1024)
    })()
    await expect(failing).rejects.toThrow('cut off')
    for await (const chunk of pace.through(endless())) if (chunk.length > 0) break
    expect(isClosed).toEqual({ broken: true, left: true })
    let got = 0
    for await (const chunk of pace.through(chunks(4, 64 * 1024))) got += chunk.length
    expect(got).toBe(4 * 64 * 1024)
  })

  test('[FILE-34] gives the memory of an upload’s bytes back once they are written, and never that of anything else', () => {
    fc.assert(
      fc.property(fc.nat(4096), fc.nat(4096), fc.nat(4096), (before, length, after) => {
        const whole = new ArrayBuffer(before + length + after)
        const view = new Uint8Array(whole, before, length)
        release(view)
        const isWhole = before === 0 && after === 0 && length > 0
        expect(whole.byteLength).toBe(isWhole ? 0 : before + length + after)
      }),
      {
        examples: [
          [0, 4096, 0],
          [0, 0, 0],
          [0, 4096, 1],
          [1, 4096, 0],
        ],
      },
    )
    const pooled = Buffer.from('a few bytes')
    const sibling = Buffer.from('beside them')
    release(pooled)
    expect([String(pooled), String(sibling)]).toEqual(['a few bytes', 'beside them'])
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 2_000; round++) release(new Uint8Array(64 * 1024).fill(round))
    // 125 MiB went by, and the collector had no part in it.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20)
  })
})
