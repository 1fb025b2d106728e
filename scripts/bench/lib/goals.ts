import type { Series } from './bench.ts'
import type { ContenderName } from './contenders.ts'
import type { AcksFigures, DeliveriesFigures, LoadFigures, MemoryFigures, ReconnectFigures } from './jobs.ts'
import { median } from './stats.ts'

export interface Goal {
  what: string
  /** Ours over theirs, of the medians; or a figure of ours alone. */
  value: number
  bound: number
  sense: 'at least' | 'at most'
  met: boolean
}

type Pick<F> = (figures: F) => number
const total = (anomalies: ReconnectFigures['anomalies']) => Object.values(anomalies).reduce((sum, n) => sum + n, 0)

/** Every goal for which this run has figures of both sides. */
export function judge(all: Series[]): Goal[] {
  const goals: Goal[] = []
  const mid = <F extends LoadFigures>(measure: string, name: string, contender: ContenderName, pick: Pick<F>) => {
    const series = all.find((s) => s.measure === measure && s.case === name && s.contender === contender)
    return series ? median(series.rounds.map((figures) => pick(figures as F))) : Number.NaN
  }
  const add = (what: string, value: number, sense: Goal['sense'], bound: number) => {
    if (Number.isNaN(value)) return
    goals.push({ what, value, bound, sense, met: sense === 'at least' ? value >= bound : value <= bound })
  }
  const ratio = <F extends LoadFigures>(measure: string, name: string, other: ContenderName, pick: Pick<F>) =>
    mid<F>(measure, name, 'ours', pick) / mid<F>(measure, name, other, pick)

  const acks: Pick<AcksFigures> = (f) => f.perSecond
  add('acks/s, 64 senders, over create + emit', ratio('acks', '64', 'bare-mongoose', acks), 'at least', 6)
  add('acks/s, 256 senders, over create + emit', ratio('acks', '256', 'bare-mongoose', acks), 'at least', 8)
  add('acks/s, 64 senders, over $inc + create + emit', ratio('acks', '64', 'bare-mongoose-inc', acks), 'at least', 8)
  add('acks/s, 256 senders, over $inc + create + emit', ratio('acks', '256', 'bare-mongoose-inc', acks), 'at least', 12)
  const p50 = ratio<AcksFigures>('acks', '1', 'bare-mongoose', (f) => f.p50)
  add('ack p50 of a lone sender, over create + emit', p50, 'at most', 1.1)

  const saturated: Pick<DeliveriesFigures> = (f) => f.saturated.perSecond
  const p99: Pick<DeliveriesFigures> = (f) => f.paced.p99
  const cost: Pick<DeliveriesFigures> = (f) => f.paced.cpuMicrosPerDelivery
  for (const [size, bound] of [
    ['1', 0.85],
    ['100', 2],
    ['1000', 4],
  ] as const) {
    const value = ratio('deliveries', size, 'bare-broadcast', saturated)
    add(`deliveries/s, room of ${size}, over a bare broadcast`, value, 'at least', bound)
  }
  for (const size of ['100', '1000']) {
    const value = ratio('deliveries', size, 'bare-broadcast', cost)
    add(`CPU per delivery, paced, room of ${size}, over a bare broadcast`, value, 'at most', 0.75)
    const tail = ratio('deliveries', size, 'bare-broadcast', p99)
    add(`delivery p99, paced, room of ${size}, over a bare broadcast`, tail, 'at most', 1)
  }
  for (const size of ['100', '1000']) {
    const value = ratio('instances', size, 'redis-classic', saturated)
    add(`two instances: deliveries/s, room of ${size}, over the classic adapter`, value, 'at least', 2)
    const tail = ratio('instances', size, 'redis-classic', p99)
    add(`two instances: delivery p99, paced, room of ${size}, over the classic adapter`, tail, 'at most', 1)
  }
  for (const series of all) {
    if (series.contender !== 'ours') continue
    if (series.measure === 'memory') {
      const value = ratio<MemoryFigures>('memory', series.case, 'bare-broadcast', (f) => f.bytesPerConnection)
      add(`memory per idle connection at ${series.case}, over bare Socket.IO`, value, 'at most', 1.3)
    }
    if (series.measure === 'reconnect') {
      const rounds = series.rounds as ReconnectFigures[]
      add(
        `${series.case} clients back at once: seconds until all are synced`,
        Math.max(...rounds.map((f) => f.allSyncedSeconds)),
        'at most',
        15,
      )
      add(
        `${series.case} clients back at once: anomalies`,
        rounds.reduce((sum, f) => sum + total(f.anomalies), 0),
        'at most',
        0,
      )
    }
  }
  return goals
}
