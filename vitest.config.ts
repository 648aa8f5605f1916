import { defineConfig } from 'vitest/config'

const project = (name: string, timeout: number, exclude: string[] = []) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], exclude, testTimeout: timeout, hookTimeout: timeout },
})

/** The stack's tests over the object store that was not chosen. */
const otherLandings = { s3: ['test/stack/minio.test.ts'], minio: ['test/stack/s3.test.ts'] }[process.env.LANDING ?? '']

export default defineConfig({
  test: {
    reporters: ['default', './test/support/total-reporter.ts', './test/support/stall-reporter.ts'],
    maxWorkers: 2,
    projects: [
      project('unit', 60_000),
      project('functions', 60_000),
      project('contract', 120_000),
      project('e2e', 180_000),
      project('interop', 300_000),
      project('infra', 120_000),
      project('stack', 600_000, otherLandings),
    ],
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'text'],
      thresholds: { branches: 90 },
    },
  },
})
