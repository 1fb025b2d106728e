import { METRICS } from '../../src/audio/metrics.ts'

/** The table of metrics, from their declarations, as Markdown. */
export function describeMetrics(): string {
  const rows = METRICS.map(
    ({ name, unit, description, formula, source }) =>
      `| ${name} | ${unit || '–'} | ${description} | ${formula.replaceAll('|', '\\|')} | ${source} |`,
  )
  return ['| metric | unit | what it tells | formula | source |', '|---|---|---|---|---|', ...rows].join('\n')
}
