/** One question with several answers: what speaks for each, the score it has beforehand, and which are right. */
export interface Choice {
  options: { features: ArrayLike<number>; offset: number; right: boolean }[]
}

export interface ChoiceModel {
  mean: number[]
  scale: number[]
  weights: number[]
  /** What the score beforehand counts. */
  trust: number
}

/**
 * Conditional logistic regression (McFadden 1974) with weights drawn to 0, by Adam over all choices at once. Choices
 * without a right answer teach nothing.
 */
export function fitChoices(
  choices: Choice[],
  { l2 = 1e-3, steps = 400, rate = 0.03, standardise = true } = {},
): ChoiceModel {
  const usable = choices.filter(
    ({ options }) => options.some(({ right }) => right) && options.some(({ right }) => !right),
  )
  const width = usable[0]!.options[0]!.features.length
  const mean = new Array<number>(width).fill(0)
  const scale = new Array<number>(width).fill(1)
  const all = usable.flatMap(({ options }) => options)
  if (standardise) {
    for (let i = 0; i < width; i++) {
      for (const { features } of all) mean[i]! += features[i]! / all.length
      let variance = 0
      for (const { features } of all) variance += (features[i]! - mean[i]!) ** 2 / all.length
      scale[i] = Math.sqrt(variance) || 1
    }
  }
  const rows = usable.map(({ options }) =>
    options.map(({ features, offset, right }) => ({
      x: Float64Array.from({ length: width }, (_, i) => (features[i]! - mean[i]!) / scale[i]!),
      offset,
      right,
    })),
  )
  const parameters = new Float64Array(width + 1)
  parameters[width] = 1
  const first = new Float64Array(width + 1)
  const second = new Float64Array(width + 1)
  const gradient = new Float64Array(width + 1)
  for (let step = 1; step <= steps; step++) {
    gradient.fill(0)
    for (const options of rows) {
      const scores = options.map(({ x, offset }) => {
        let sum = parameters[width]! * offset
        for (let i = 0; i < width; i++) sum += parameters[i]! * x[i]!
        return sum
      })
      const top = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - top))
      const total = weights.reduce((a, b) => a + b, 0)
      const rightTotal = weights.reduce((sum, weight, o) => sum + (options[o]!.right ? weight : 0), 0)
      for (const [o, { x, offset, right }] of options.entries()) {
        const pull = weights[o]! / total - (right ? weights[o]! / rightTotal : 0)
        if (Math.abs(pull) < 1e-9) continue
        for (let i = 0; i < width; i++) gradient[i]! += (pull * x[i]!) / rows.length
        gradient[width]! += (pull * offset) / rows.length
      }
    }
    for (let i = 0; i <= width; i++) {
      const g = gradient[i]! + (i < width ? l2 * parameters[i]! : l2 * (parameters[i]! - 1))
      first[i] = 0.9 * first[i]! + 0.1 * g
      second[i] = 0.999 * second[i]! + 0.001 * g * g
      const m = first[i]! / (1 - 0.9 ** step)
      const v = second[i]! / (1 - 0.999 ** step)
      parameters[i]! -= (rate * m) / (Math.sqrt(v) + 1e-8)
    }
  }
  return { mean, scale, weights: [...parameters.subarray(0, width)], trust: parameters[width]! }
}
