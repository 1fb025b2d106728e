import { describe, expect, test } from 'vitest'
import type { Series } from '../../scripts/bench/lib/bench.ts'
import { encodeFrame, walkFrames } from '../../scripts/bench/lib/frames.ts'
import { judge } from '../../scripts/bench/lib/goals.ts'
import { Ledger } from '../../scripts/bench/lib/ledger.ts'
import { replaceSection } from '../../scripts/bench/lib/report.ts'
import { Latencies, median, spread } from '../../scripts/bench/lib/stats.ts'
import { sendPacket, sentAt } from '../../scripts/bench/lib/text.ts'

/** A server's frame: as a client's, without mask bit and key. */
function serverFrame(text: string): Buffer {
  const masked = encodeFrame(text)
  const key = masked.length - Buffer.byteLength(text) - 4
  const frame = Buffer.concat([masked.subarray(0, key), masked.subarray(key + 4)])
  frame[1]! &= 0x7f
  return frame
}

/** What is found in a stream that comes in pieces of `step` bytes. */
function readPieces(stream: Buffer, step: number): string[] {
  const found: string[] = []
  const sink = {
    frame: (_: number, bytes: Buffer, start: number, end: number) => found.push(bytes.toString('utf8', start, end)),
  }
  let rest = Buffer.alloc(0)
  for (let at = 0; at < stream.length; at += step) {
    const bytes = Buffer.concat([rest, stream.subarray(at, at + step)])
    rest = Buffer.from(bytes.subarray(walkFrames(bytes, 0, bytes.length, sink)))
  }
  expect(rest).toHaveLength(0)
  return found
}

test('[BEN-01] finds frames whole, of every length, however the stream is cut', () => {
  const short = ['', 'a', 'é'.repeat(62), 'b'.repeat(125), 'c'.repeat(126), 'end']
  const long = [...short, 'd'.repeat(65_535), 'e'.repeat(65_536), 'end']
  for (const step of [1, 2, 3, 100]) expect(readPieces(Buffer.concat(short.map(serverFrame)), step)).toEqual(short)
  for (const step of [997, 65_536, 1 << 20])
    expect(readPieces(Buffer.concat(long.map(serverFrame)), step)).toEqual(long)
})

describe('figures', () => {
  test('[BEN-02] takes median, spread and percentiles', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
    expect(spread([8, 10, 12])).toBe(0.4)
    const latencies = new Latencies(1_000)
    for (let ms = 1; ms <= 1_000; ms++) latencies.add(ms)
    expect(latencies.summary()).toEqual({ p50: 501, p99: 991, max: 1_000, samples: 1_000 })
  })

  test('[BEN-03] sends messages of 120 characters that carry their time', () => {
    const packet = sendPacket('room', 'client', 12_345.678)
    expect(JSON.parse(packet)[1].content.length).toBe(120)
    expect(sentAt(Buffer.from(`42${packet}`), 0, packet.length + 2)).toBe(12_345.678)
    expect(sentAt(Buffer.from('42["room:message",{"content":"other"}]'), 0, 37)).toBeNaN()
  })

  test('[BEN-04] judges goals on medians of both sides, and only where both are there', () => {
    const series = (contender: Series['contender'], perSecond: number[]): Series => ({
      measure: 'acks',
      case: '64',
      contender,
      rounds: perSecond.map((value) => ({ perSecond: value })) as unknown as Series['rounds'],
    })
    const goals = judge([series('ours', [590, 600, 9_000]), series('bare-mongoose', [90, 100, 101])])
    expect(goals).toEqual([expect.objectContaining({ value: 6, bound: 6, met: true })])
    expect(judge([series('ours', [599]), series('bare-mongoose', [100])])[0]!.met).toBe(false)
    expect(judge([series('ours', [1])])).toEqual([])
  })

  test('[BEN-05] puts a section between its markers and keeps all else', () => {
    const once = replaceSection('# Benchmarks\n\nprose\n', 'bench:chat', 'first')
    expect(once).toBe('# Benchmarks\n\nprose\n\n<!-- bench:chat:start -->\nfirst\n<!-- bench:chat:end -->\n')
    expect(replaceSection(`${once}\nmore\n`, 'bench:chat', 'second')).toBe(`${once.replace('first', 'second')}\nmore\n`)
  })
})

describe('the reconnect ledger', () => {
  const changes = (...revs: number[]) => revs.map((rev) => ({ rev, key: `m${rev}` }))
  const live = (ledger: Ledger, ...revs: number[]) => {
    for (const rev of revs) ledger.live(rev, `m${rev}`)
  }

  test('[BEN-06] finds nothing wrong where live changes and a sync overlap', () => {
    const ledger = new Ledger(4)
    live(ledger, 5, 6)
    ledger.reconnect()
    expect(ledger.cursor).toBe(6)
    live(ledger, 9, 10)
    ledger.synced(changes(7, 8, 9))
    live(ledger, 11)
    expect([ledger.gaps(), ledger.twice, ledger.reordered]).toEqual([0, 0, 0])
  })

  test('[BEN-07] counts a gap, a repeat, a wrong order, and two changes under one rev', () => {
    const gap = new Ledger(0)
    live(gap, 1, 2, 5)
    expect(gap.gaps()).toBe(2)
    const twice = new Ledger(0)
    live(twice, 1, 2, 2)
    expect(twice.twice).toBe(1)
    const reordered = new Ledger(0)
    live(reordered, 2, 1)
    expect(reordered.reordered).toBe(1)
    const synced = new Ledger(0)
    synced.synced(changes(1, 3, 2))
    expect(synced.reordered).toBe(1)
    const other = new Ledger(0)
    live(other, 1)
    other.synced([{ rev: 1, key: 'another' }])
    expect(other.twice).toBe(1)
  })
})
