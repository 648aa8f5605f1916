import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCatalogFunction } from '../../functions/catalog.ts'
import { readCatalogConfig } from '../../lib/config.ts'
import { sqlBranch } from '../../lib/layout.ts'
import { ensureStudy } from '../../lib/study.ts'
import { makeEnvironment, type TestEnvironment } from '../support/environment.ts'
import { readSample } from '../support/samples.ts'

const study = 'swept'
let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
  await ensureStudy(test.environment, study)
})
afterAll(() => test.close())

it('the schedule has the catalog delete what commits that were cut off left behind', async () => {
  const CATALOG_TOKENS = JSON.stringify([
    { name: 'any', token: 'a token for the catalog', studies: ['*'], access: 'read' },
  ])
  const catalog = createCatalogFunction({
    environment: test.environment,
    catalog: readCatalogConfig({ CATALOG_TOKENS, SQL_BRANCH_SECONDS: '600' }),
  })
  const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }
  const wake = () => catalog(readSample('schedule'), context)
  const name = sqlBranch(test.clock.now(), '01234567')
  await test.environment.lakefs.createBranch(study, { name, source: 'main', hidden: true })

  test.clock.advance(600)
  expect(await wake()).toEqual({ statusCode: 204, body: '' })
  expect(await test.listBranches(study)).toContain(name)
  test.clock.advance(1)
  await wake()
  expect(await test.listBranches(study)).not.toContain(name)
  expect(test.logged.filter(({ level }) => level === 'warn')).toMatchObject([{ function: 'catalog', branches: 1 }])
})
