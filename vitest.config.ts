import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['scripts/test/endWithRunner.ts'],
    pool: 'forks',
    // Suites wait more than they compute, and each has a world of its own; what they load they share.
    maxWorkers: 3,
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A poll ends with what it waits for; only a fault takes this long.
    expect: { poll: { timeout: 20_000 } },
    teardownTimeout: 10_000,
  },
})
