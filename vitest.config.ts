import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['scripts/test/endWithRunner.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A poll ends with what it waits for; only a fault takes this long.
    expect: { poll: { timeout: 20_000 } },
    teardownTimeout: 10_000,
  },
})
