import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowsOf } from '../../src/web/lib/sound/rows.ts'

describe('marks of a waveform', () => {
  it('[WEB-65] share a row where there is room, and else lie in as few rows as there have to be', () => {
    const places = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }).map((all) => all.sort((a, b) => a - b))
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4 }), (all, gap, most) => {
        const rows = rowsOf(all, gap, most)
        expect(rows.length).toBe(all.length)
        // As many as lie within one gap of each other need a row each.
        const crowd = Math.max(
          0,
          ...all.map((place) => all.filter((each) => each <= place && place - each < gap).length),
        )
        expect(new Set(rows).size).toBe(Math.min(crowd, most))
        if (crowd > most) return
        for (const [index, place] of all.entries()) {
          const before = all.slice(0, index).filter((_, at) => rows[at] === rows[index])
          expect(before.every((each) => place - each >= gap)).toBe(true)
        }
      }),
    )
  })
})
