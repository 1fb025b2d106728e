import axe from 'axe-core'
import type { Page } from 'playwright-core'

type Found = { id: string; nodes: { html: string; failureSummary?: string }[] }[]

/**
 * What axe finds wrong with a page as it is: all rules in light, and in dark those of colours again, as nothing else
 * depends on the theme. It is brought into the page once.
 */
export async function faultsOf(page: Page): Promise<string[]> {
  const faults: string[] = []
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // Colours on their way from one theme to the other are of neither.
    await page.evaluate(
      'new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)).then(() => Promise.allSettled(document.getAnimations().map((each) => each.finished)))',
    )
    const options = {
      resultTypes: ['violations'],
      ...(colorScheme === 'dark' && { runOnly: { type: 'rule', values: ['color-contrast'] } }),
    }
    const look = async () =>
      (await page.evaluate(
        `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`,
      )) as Found
    let violations = await look()
    // What was just coming into view has not its colours yet: a fault is what is there a moment later, too.
    if (violations.length > 0) {
      await page.waitForTimeout(700)
      violations = await look()
    }
    for (const { id, nodes } of violations) {
      faults.push(...nodes.map(({ html }) => `${page.url()} ${colorScheme} ${id}: ${html.slice(0, 160)}`))
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  return faults
}
