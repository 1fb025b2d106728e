import type { Reporter, TestModule } from 'vitest/node'

/** The outcome of a run in numbers, and each thing that counts as failed without being a test that failed. */
export interface Tally {
  passed: number
  failed: number
  notes: string[]
}

/**
 * Counts a run strictly: a file that does not load, a suite whose hooks fail, an error outside of any test and a test
 * that never ran each count as failed. A skipped test counts as failed unless tests were selected by name.
 */
function tallyModules(modules: readonly TestModule[], unhandled: readonly unknown[], selectedByName: boolean): Tally {
  const tally: Tally = { passed: 0, failed: 0, notes: [] }
  const fail = (note: string) => {
    tally.failed++
    tally.notes.push(note)
  }
  for (const module of modules) {
    let failedHere = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') tally.passed++
      else if (state === 'failed') {
        tally.failed++
        failedHere++
      } else if (state === 'pending') fail(`did not run: ${test.fullName}`)
      else if (!selectedByName) fail(`skipped: ${test.fullName}`)
    }
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) {
        fail(`hook failed: ${suite.fullName}`)
        failedHere++
      }
    }
    const broken = module.errors().length > 0 || (module.state() === 'failed' && failedHere === 0)
    if (broken) fail(`failed to load or to end: ${module.moduleId}`)
    else if (module.state() === 'queued' || module.state() === 'pending') fail(`did not run: ${module.moduleId}`)
  }
  for (const error of unhandled)
    fail(`error outside of a test: ${String((error as { message?: unknown })?.message ?? error)}`)
  if (tally.passed + tally.failed === 0) fail('no test ran')
  return tally
}

/** A vitest reporter that only counts. `tally()` is undefined until a run has ended. */
export function createTallyReporter(selectedByName: boolean): Reporter & { tally(): Tally | undefined } {
  let result: Tally | undefined
  return {
    onTestRunEnd(modules, unhandled) {
      result = tallyModules(modules, unhandled, selectedByName)
    },
    tally: () => result,
  }
}
