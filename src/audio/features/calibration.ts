/** A probability through a monotone map of [model's, actual] knots; straight between them, level beyond. */
export function calibrate(probability: number, knots: readonly (readonly [number, number])[]): number {
  if (knots.length === 0) return probability
  let [fromX, fromY] = knots[0]!
  if (probability <= fromX) return fromY
  for (const [x, y] of knots) {
    if (probability <= x) return x > fromX ? fromY + ((probability - fromX) / (x - fromX)) * (y - fromY) : y
    fromX = x
    fromY = y
  }
  return fromY
}
