import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../../lib/engine/engine.ts'
import { answerHook } from '../../../lib/gate/answer-hook.ts'
import { attest, judgeCommit, readAttestation } from '../../../lib/gate/attest.ts'
import { type CheckOptions, checkRef } from '../../../lib/gate/check-ref.ts'
import { checkEngine } from '../../../lib/gate/rule-engine.ts'
import { currentSchemaFields, parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { contentsPath, gatePath, parseTablePath, tablePath, versionPath } from '../../../lib/layout.ts'
import { type FakeEngine, makeFakeEngine, type StatedColumns, usualNames } from '../../support/fake-engine.ts'
import { bedStudy, type GateBed, makeGateBed } from '../../support/gate-bed.ts'
import { type MemoryLakefs, memoryLakefs, type Tree } from '../../support/memory-lakefs.ts'

const study = bedStudy
const types: Record<string, string> = { string: 'varchar' }

let fake: FakeEngine
let bed: GateBed
let repository: MemoryLakefs
/** The head of v1. */
let head: string
beforeAll(async () => {
  bed = await makeGateBed()
})
beforeEach(() => {
  fake = makeFakeEngine()
  for (const key of bed.store.objects.keys()) if (key.startsWith('attest/')) bed.store.objects.delete(key)
  repository = memoryLakefs(study)
  repository.commit({ [gatePath]: bed.tree[gatePath]! }, { branch: 'main' })
  head = repository.commit(bed.tree, { branch: 'v1', parents: ['c1'] })
  repository.branches.set('keys', head)
})

const environment = () => ({ lakefs: repository.lakefs, lake: bed.store, engine: fake.engine, now: () => new Date(0) })

/** All tables of the version as somebody would register them who does it right. */
const stateTables = (tree: Tree = bed.tree): Record<string, StatedColumns> =>
  Object.fromEntries(
    Object.entries(tree).flatMap(([path, text]) => {
      const table = parseTablePath(path)
      if (!table) return []
      const columns = currentSchemaFields(parseTableMetadata(text))
      return [
        [`${table.layer}_${table.dataset}`, columns.map(({ name, type: { kind } }) => [name, types[kind] ?? kind])],
      ]
    }),
  )

/** What the gate says with the engine beside it; codes with table and column. */
async function judge(ref = head, options: CheckOptions = { destination: 'v1' }) {
  const { problems } = await checkRef(environment(), study, ref, options)
  return problems.map(({ code, table, column }) => [code, table, column].filter(Boolean).join(' ')).toSorted()
}
const tablesAsked = () =>
  [...fake.asked[0]!.matchAll(/'(\w+)'/g)]
    .map(([, name]) => name)
    .slice(1)
    .toSorted()

describe('what is lawful', () => {
  it('a version that is not registered: the engine is asked once', async () => {
    expect(await judge()).toEqual([])
    expect(fake.asked).toHaveLength(1)
    expect(fake.asked[0]).toContain(`table_schema = 'bed__v1'`)
  })

  it('all of it, registered as it is; some of it; and what others keep in the schema', async () => {
    const all = stateTables()
    expect(Object.keys(all).length).toBe(8)
    fake.registered.bed__v1 = all
    expect(await judge()).toEqual([])
    fake.registered.bed__v1 = {
      raw_dm: all.raw_dm!,
      base_ae: all.base_ae!,
      theirs: [['x', 'varchar']],
      work_dm: [['x', 'varchar']],
    }
    expect(await judge()).toEqual([])
  })

  it('anything in the schemas of other versions', async () => {
    fake.registered.bed__v2 = { raw_dm: [['x', 'real']] }
    expect(await judge()).toEqual([])
  })
})

describe('what is registered otherwise is refused', () => {
  const change = (table: string, edit: (columns: StatedColumns) => StatedColumns) => async () => {
    const all = stateTables()
    fake.registered.bed__v1 = { ...all, [table]: edit(all[table]!) }
  }
  it.each<[string, () => Promise<unknown>, string[]]>([
    ['a column less', change('raw_dm', ([one, , three]) => [one!, three!]), ['engine-column-missing raw.dm SITEID']],
    ['a column more', change('base_ae', all => [...all, ['x', 'varchar']]), ['engine-column-extra base.ae x']],
    [
      'a column renamed',
      change('raw_dm', ([one, , three]) => [one!, ['site', 'varchar'], three!]),
      ['engine-column-missing raw.dm SITEID', 'engine-column-extra raw.dm site'],
    ],
    [
      'another type only',
      change('raw_dm', ([one, two]) => [one!, two!, ['age', 'bigint']]),
      ['engine-type raw.dm AGE'],
    ],
    [
      'a shorter text',
      change('raw_dm', ([, ...all]) => [['USUBJID', 'varchar(8)'], ...all]),
      ['engine-type raw.dm USUBJID'],
    ],
    [
      'two columns of one type swapped',
      change('raw_dm', ([one, two, three]) => [two!, one!, three!]),
      ['engine-order raw.dm USUBJID'],
    ],
    [
      'a key as text',
      change('base_dm', all => all.map(([name]) => [name, name === 'AGE' ? 'integer' : 'varchar'])),
      ['engine-type base.dm patient_key', 'engine-type base.dm site_key'],
    ],
    ['a key table', change('keys_patient', ([one, ...all]) => [...all, one!]), ['engine-order keys.patient USUBJID']],
    [
      'a table that the version does not have',
      async () => {
        fake.registered.bed__v1 = { raw_lb: [['x', 'varchar']] }
      },
      ['engine-table-extra raw.lb'],
    ],
    [
      'several at once',
      async () => {
        fake.registered.bed__v1 = { raw_lb: [['x', 'varchar']], base_dm: [['USUBJID', 'varchar']] }
      },
      [
        'engine-table-extra raw.lb',
        ...['SITEID', 'AGE', 'patient_key', 'site_key'].map(name => `engine-column-missing base.dm ${name}`),
      ],
    ],
  ])('%s', async (_, set, codes) => {
    await set()
    expect(await judge()).toEqual(codes.toSorted())
  })

  it('with what was expected and found, and where', async () => {
    await change('raw_dm', ([one, two]) => [one!, two!, ['age', 'bigint']])()
    const { problems } = await checkRef(environment(), study, head, {
      profile: 'full',
    })
    expect(problems).toEqual([
      {
        code: 'engine-type',
        table: 'raw.dm',
        column: 'AGE',
        message: 'hive.bed__v1.raw_dm in the SQL engine has another type for a column of type integer',
        expected: 'integer',
        found: 'bigint',
      },
    ])
  })
})

describe('only what changed is asked for', () => {
  const wrong: StatedColumns = [['x', 'varchar']]
  /** The table with another property, which is no fault. */
  const touched = (path: string): Tree => ({
    [path]: bed.tree[path]!.replace('"gc.enabled"', '"a": "b",\n    "gc.enabled"'),
  })
  const goOn = (tree: Tree) => repository.commit(tree, { parents: [head] })
  const options = () => ({ destination: 'v1', parent: head })
  beforeEach(() => attest(environment(), { study, commit: head, profile: 'full', destination: 'v1' }))

  it('a table with its counterpart, and the key tables', async () => {
    const next = goOn({ ...bed.tree, ...touched(tablePath('raw', 'dm')) })
    fake.registered.bed__v1 = { ...stateTables(), raw_ae: wrong }
    expect(await judge(next, options())).toEqual([])
    expect(fake.asked).toHaveLength(1)
    expect(tablesAsked()).toEqual(['base_dm', 'keys_patient', 'keys_site', 'raw_dm'])
    fake.registered.bed__v1.raw_dm = wrong
    expect(await judge(next, options())).toContain('engine-column-missing raw.dm AGE')
  })

  it('a table that goes may not stay behind', async () => {
    const drop = (path: string) => {
      const document = JSON.parse(bed.tree[path]!) as { datasets: { name?: string; dataset?: string }[] }
      const datasets = document.datasets.filter(({ name, dataset }) => (name ?? dataset) !== 'tv')
      return { [path]: JSON.stringify({ ...document, datasets }) }
    }
    const tree: Tree = { ...bed.tree, ...drop(contentsPath), ...drop(versionPath) }
    for (const layer of ['raw', 'base'] as const) delete tree[tablePath(layer, 'tv')]
    const next = goOn(tree)
    fake.registered.bed__v1 = stateTables()
    expect(await judge(next, options())).toEqual(['engine-table-extra base.tv', 'engine-table-extra raw.tv'])
    fake.registered.bed__v1 = stateTables(tree)
    expect(await judge(next, options())).toEqual([])
  })

  it('and nothing where nothing changed of what is registered', async () => {
    fake = makeFakeEngine({ ...usualNames, table: '{dataset}', layers: ['base'] })
    fake.down = 1
    expect(await judge(goOn(bed.tree), options())).toEqual([])
    expect(fake.asked).toEqual([])
  })
})

describe('names', () => {
  it.each([
    [{ destination: 'main' }, 'bed__main'],
    [{ destination: '_main-0123456789ab' }, 'bed__main'],
    [{ destination: '_v1-0123456789ab' }, 'bed__v1'],
    [{}, 'bed__v1'],
  ])('of %j', async (options, schema) => {
    await judge(head, { ...options, profile: 'full' })
    expect(fake.asked[0]).toContain(`table_schema = '${schema}'`)
  })

  it('of the keys, which have no other tables', async () => {
    fake.registered.bed__keys = { keys_patient: [['USUBJID', 'varchar']] }
    expect(await judge('keys', { destination: 'keys' })).toEqual([
      'engine-column-missing keys.patient first_version',
      'engine-column-missing keys.patient patient_key',
    ])
  })

  it('with a schema a layer each is asked once; with one layer only that is', async () => {
    fake = makeFakeEngine({ ...usualNames, schema: '{layer}__{study}__{version}', table: '{dataset}' })
    fake.registered.base__bed__v1 = { dm: stateTables().raw_dm! }
    fake.registered.raw__bed__v1 = { lb: [['x', 'varchar']] }
    expect(await judge()).toEqual([
      'engine-column-missing base.dm patient_key',
      'engine-column-missing base.dm site_key',
      'engine-table-extra raw.lb',
    ])
    expect(fake.asked).toHaveLength(3)
  })

  it('a study whose name holds a quote stays text', async () => {
    const asked: string[] = []
    const query = async (statement: string) => {
      asked.push(statement)
      return []
    }
    const view = { study: `x'; DROP TABLE "y`, bucket: '', listing: new Map(), tables: [], problems: [] }
    await checkEngine({ engine: { ...fake.engine, sql: { query } } }, view, 'main')
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/ WHERE table_schema = 'x''; drop table "y__main'$/)
  })
})

describe('when it is asked', () => {
  it('never of people’s own branches', async () => {
    fake.down = 1
    expect(await judge(head, { profile: 'structure' })).toEqual([])
    expect(fake.asked).toEqual([])
  })

  it('not of a commit that is wrong in itself: that is refused even while the engine is down', async () => {
    fake.down = 1
    const { [tablePath('raw', 'dm')]: _, ...tree } = bed.tree
    expect(await judge(repository.commit(tree, { parents: [head] }))).toContain('contents-table-missing raw.dm')
    expect(fake.asked).toEqual([])
  })

  it('not where nothing says which version it is', async () => {
    fake.down = 1
    repository.commit({ [gatePath]: bed.tree[gatePath]! }, { branch: '_install' })
    expect(await judge('_install', {})).toEqual([])
    expect(fake.asked).toEqual([])
  })

  it('a commit is neither let pass nor attested while it does not answer', async () => {
    const of = { study, commit: head }
    fake.down = 2
    await expect(judgeCommit(environment(), { ...of, destination: 'v1' })).rejects.toThrow(EngineError)
    const payload = { event_type: 'pre-merge', repository_id: study, commit_id: head, branch_id: 'v1' }
    await expect(answerHook(environment(), payload)).rejects.toThrow(EngineError)
    expect(await readAttestation(environment(), of)).toBeUndefined()
    expect(await judgeCommit(environment(), { ...of, destination: 'v1' })).toEqual([])
    expect(await readAttestation(environment(), of)).toBe('full')
  })
})
