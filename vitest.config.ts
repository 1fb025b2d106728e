import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['scripts/test/endWithRunner.ts'],
    pool: 'forks',
    // Suites wait more than they compute, and each has a world of its own; what they load they share.
    maxWorkers: 3,
    isolate: false,
    // Waits end with what they wait for; only a fault takes this long, however busy the machine is.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 40_000 } },
    teardownTimeout: 30_000,
  },
})
