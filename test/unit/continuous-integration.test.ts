import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Workflow {
  jobs: Record<string, { 'runs-on': string; 'timeout-minutes': number; steps: { uses?: string; run?: string }[] }>
}
const workflow = parse(read('.github/workflows/ci.yml')) as Workflow
const steps = Object.values(workflow.jobs).flatMap(job => job.steps)
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const compose = parse(read('infra/compose.yaml'), { merge: true }) as { services: Record<string, { image: string }> }

const commands = [read('.ci/run'), ...steps.map(({ run = '' }) => run)].flatMap(text => text.split('\n'))

test('every npm script that is run is there', () => {
  const names = commands.flatMap(line => [...line.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, name]) => name!))
  const own = names.filter(name => name !== 'install')
  expect(own).toEqual(expect.arrayContaining(['start', 'test', 'lint', 'types', 'test:contract', 'test:stack']))
  for (const name of own) expect(Object.keys(scripts)).toContain(name)
})

test('the contract suites that are named are there', () => {
  const named = commands.flatMap(line => /\btest:contract -- (.+)$/.exec(line)?.[1]?.split(' ') ?? [])
  expect(named).toContain('landing')
  const files = readdirSync(join(root, 'test/contract'))
  for (const name of named) expect(files).toContain(`${name}.test.ts`)
})

test('every job has an end, and every step is an action of a version or a command', () => {
  for (const [name, job] of Object.entries(workflow.jobs)) expect(job['timeout-minutes'], name).toBeGreaterThan(0)
  for (const { uses, run } of steps) {
    expect([uses, run].filter(Boolean)).toHaveLength(1)
    if (uses) expect(uses).toMatch(/@v\d+$/)
  }
})

test('the images are those of the stack', () => {
  const images = commands.flatMap(
    line => line.match(/\b(?:quay\.io\/)?(?:minio|localstack|treeverse)\/\w+:[\w.-]+/g) ?? [],
  )
  expect(new Set(images)).toEqual(new Set(['minio', 'emulator', 'lakefs'].map(name => compose.services[name]!.image)))
})
