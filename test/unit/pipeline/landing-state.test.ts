import { expect, it } from 'vitest'
import { readConfig } from '../../../lib/config.ts'
import { readLandingState } from '../../../lib/pipeline/landing-state.ts'
import { memoryStore } from '../../support/memory-store.ts'

const config = readConfig({
  LANDING_BUCKET: 'landing',
  LAKE_BUCKET: 'lake',
  LAKEFS_ENDPOINT: 'http://127.0.0.1:1',
  LAKEFS_ACCESS_KEY_ID: 'id',
  LAKEFS_SECRET_ACCESS_KEY: 'secret',
  GATE_URL: 'http://127.0.0.1:1',
  GATE_TOKEN: 'a token of enough characters',
})
const look = (objects: Record<string, Uint8Array | string>) =>
  readLandingState({ landing: memoryStore({ bucket: 'landing', objects }), config }, { study: 'trial', version: 'v1' })

it('reads the contents file in the declared encoding, as it does the other CSV files', async () => {
  const contents = Buffer.from('dataset,field,type,label\ndm,Größe,string,Körpergröße\n', 'latin1')
  const { contents: read, problems } = await look({
    'trial/study.json': '{"encoding": "latin1"}',
    'trial/v1/contents.csv': contents,
  })
  expect(problems).toEqual([])
  expect(read!.datasets[0]!.fields).toMatchObject([{ name: 'Größe', label: 'Körpergröße' }])

  const { problems: undeclared } = await look({ 'trial/v1/contents.csv': contents })
  expect(undeclared).toMatchObject([{ code: 'undecodable', file: 'contents.csv' }])
})

it('refuses a declared dataset whose file could never be seen', async () => {
  const { problems } = await look({
    'trial/v1/contents.csv': 'dataset,field,type\n_dm,AGE,integer\n',
    'trial/v1/_dm.csv': 'AGE\n1\n',
  })
  expect(problems).toMatchObject([{ code: 'dataset-name-invalid', file: 'contents.csv', row: 1 }])
})
