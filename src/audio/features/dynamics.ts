/** Values of short-term loudness that count: above -70 LUFS and no more than 20 LU under their energy mean. */
function gated(shortTerm: Float32Array): number[] {
  let energy = 0
  let count = 0
  for (const lufs of shortTerm) {
    if (!(lufs > -70)) continue
    energy += 10 ** (lufs / 10)
    count++
  }
  if (count === 0) return []
  const threshold = Math.max(-70, 10 * Math.log10(energy / count) - 20)
  return Array.from(shortTerm).filter((lufs) => lufs > threshold)
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values: number[]) => {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Less than ten values (one second more than a window) tell nothing of a spread. */
const FEWEST = 10

/**
 * Dynamics Quotient: standard deviation over mean of perceived loudness in sones (Stevens 1955: twice as loud every
 * 10 dB), over the gated short-term windows. 0 is level; gain changes nothing.
 */
export function dynamicsQuotient(shortTerm: Float32Array): number | null {
  const values = gated(shortTerm)
  if (values.length < FEWEST) return null
  const middle = mean(values)
  const sones = values.map((lufs) => 2 ** ((lufs - middle) / 10))
  const average = mean(sones)
  return Math.sqrt(mean(sones.map((sone) => (sone - average) ** 2))) / average
}

/**
 * MAD Divergence: how far the spread of short-term loudness about its median departs from a normal distribution's:
 * ln(σ / 1.4826 MAD), where MAD is the median absolute deviation. 0: normally spread; above: few passages stand out;
 * below: loudness keeps to two levels. Spreads below 0.1 LU count as 0.1.
 */
export function madDivergence(shortTerm: Float32Array): number | null {
  const values = gated(shortTerm)
  if (values.length < FEWEST) return null
  const average = mean(values)
  const sigma = Math.sqrt(mean(values.map((value) => (value - average) ** 2)))
  const middle = median(values)
  const mad = 1.4826 * median(values.map((value) => Math.abs(value - middle)))
  return Math.log(Math.max(0.1, sigma) / Math.max(0.1, mad))
}
