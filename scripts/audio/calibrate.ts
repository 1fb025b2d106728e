/** Results with the probability that a model gave, and whether they were right. */
export interface Outcome {
  probability: number
  right: boolean
}

const SMALLEST_GROUP = 25

/**
 * A monotone map from a model's probability to how often such results are right: isotonic regression by pooling
 * neighbours (Ayer et al. 1955) over groups of equal size; knots at the groups' means.
 */
export function fitCalibration(outcomes: Outcome[]): [number, number][] {
  const sorted = [...outcomes].sort((a, b) => a.probability - b.probability)
  const groups: { sum: number; right: number; count: number }[] = []
  for (let at = 0; at < sorted.length; at += SMALLEST_GROUP) {
    const rest = sorted.length - at
    const members = sorted.slice(at, rest < 2 * SMALLEST_GROUP ? undefined : at + SMALLEST_GROUP)
    groups.push({
      sum: members.reduce((sum, { probability }) => sum + probability, 0),
      right: members.filter(({ right }) => right).length,
      count: members.length,
    })
    if (rest < 2 * SMALLEST_GROUP) break
  }
  for (let i = 1; i < groups.length; ) {
    const [before, here] = [groups[i - 1]!, groups[i]!]
    if (before.right / before.count <= here.right / here.count) {
      i++
      continue
    }
    groups.splice(i - 1, 2, {
      sum: before.sum + here.sum,
      right: before.right + here.right,
      count: before.count + here.count,
    })
    i = Math.max(1, i - 1)
  }
  // One right and one wrong more in each group: nothing is quite certain.
  return groups.map(({ sum, right, count }) => [round(sum / count), round((right + 1) / (count + 2))])
}

/** How often results were right, by the confidence that they were given. */
export function tabulate(
  outcomes: Outcome[],
): { from: number; to: number; count: number; mean: number; right: number }[] {
  const edges = [0, 0.5, 0.7, 0.8, 0.9, 1.0001]
  return edges.slice(1).flatMap((to, i) => {
    const from = edges[i]!
    const members = outcomes.filter(({ probability }) => probability >= from && probability < to)
    if (members.length === 0) return []
    return {
      from,
      to: Math.min(1, to),
      count: members.length,
      mean: members.reduce((sum, { probability }) => sum + probability, 0) / members.length,
      right: members.filter(({ right }) => right).length / members.length,
    }
  })
}

const round = (value: number) => Math.round(value * 1e4) / 1e4
