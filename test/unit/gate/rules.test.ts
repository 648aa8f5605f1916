import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TransientError } from '../../../lib/errors.ts'
import { checkRef } from '../../../lib/gate/check-ref.ts'
import { currentSchemaFields, parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../../lib/iceberg/read-table.ts'
import { writeTable } from '../../../lib/iceberg/write-table.ts'
import { parseJson, stringifyJson } from '../../../lib/json.ts'
import { contentsPath, dataKey, keyOfAddress, type Layer, tablePath, versionPath } from '../../../lib/layout.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { describeDataFile } from '../../../lib/pipeline/data-files.ts'
import { contentKeyProperty } from '../../../lib/pipeline/table-properties.ts'
import { batchRows, type Cell, makeBatch } from '../../support/columns.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy } from '../../support/small-study.ts'

const study = 'gate'
let test: TestEnvironment
let branches = 0
beforeAll(async () => {
  test = await makeEnvironment()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
})
afterAll(() => test.close())

/** A branch like the version's, on which a test does as it likes. */
async function openBranch(): Promise<string> {
  const name = `_test-${branches++}`
  await test.environment.lakefs.createBranch(study, { name, source: 'v1', hidden: true })
  return name
}
const readText = async (ref: string, path: string) =>
  new TextDecoder().decode(await test.environment.lakefs.getObject(study, ref, path))
const put = (branch: string, path: string, text: string) =>
  test.environment.lakefs.uploadObject(study, branch, path, new TextEncoder().encode(text))
const remove = (branch: string, path: string) => test.environment.lakefs.deleteObject(study, branch, path)

/** What the gate says of a branch on which something was changed; codes with their tables. */
async function judge(change: (branch: string) => Promise<unknown>): Promise<string[]> {
  const branch = await openBranch()
  await change(branch)
  const { problems } = await checkRef(test.environment, study, branch, { profile: 'full' })
  return problems.map(({ code, table, column }) => [code, table, column].filter(Boolean).join(' '))
}
/** Changes a JSON document on a branch. */
const edit =
  <Document>(path: string, change: (document: Document) => void) =>
  async (branch: string) => {
    const document = parseJson(await readText(branch, path)) as Document
    change(document)
    await put(branch, path, stringifyJson(document))
  }
const readTable = async (ref: string, layer: Layer, dataset: string) =>
  parseTableMetadata(await readText(ref, tablePath(layer, dataset)))

async function rowsOf(layer: Layer, dataset: string): Promise<Cell[][]> {
  const table = await readTable('v1', layer, dataset)
  const [file] = await readDataFiles(test.lake, table)
  const key = keyOfAddress('lake', file!.address)!
  return batchRows(readColumns(test.lake, key, { fields: currentSchemaFields(table) }))
}

/**
 * Judges a branch on which a table has other rows, under the address that it had: as if the pipeline itself had written them. `properties` are added
 * to the table's.
 */
async function judgeRows(
  layer: Layer,
  dataset: string,
  rows: (rows: Cell[][]) => Cell[][],
  properties: Record<string, string> = {},
): Promise<string[]> {
  const before = await readTable('v1', layer, dataset)
  const fields = currentSchemaFields(before)
  const key = await fileOf(layer, dataset)
  const original = test.lake.objects.get(key)!
  const { bytes } = await writeParquetFile(fields, [makeBatch(fields, rows(await rowsOf(layer, dataset)))])
  await test.lake.put(key, bytes)
  try {
    return await judge(async branch => {
      const files = [await describeDataFile({ lake: test.lake }, { key, fields })]
      const table = { store: test.lake, study, layer, dataset, fields, files, time: test.clock.now() }
      const { text } = await writeTable({
        ...table,
        mode: 'replace',
        properties: { ...before.properties, ...properties },
      })
      await put(branch, tablePath(layer, dataset), text)
    })
  } finally {
    test.lake.objects.set(key, original)
  }
}

/** The key of a table's only data file. */
async function fileOf(layer: Layer, dataset: string): Promise<string> {
  const [file] = await readDataFiles(test.lake, await readTable('v1', layer, dataset))
  return keyOfAddress('lake', file!.address)!
}

it('has nothing against what the pipeline makes, nor against an empty repository', async () => {
  expect(await judge(async () => {})).toEqual([])
  expect(await checkRef(test.environment, study, 'main')).toEqual({ profile: 'full', tables: 0, problems: [] })
  expect((await checkRef(test.environment, study, 'v1')).tables).toBe(9)
})

describe('declared contents', () => {
  it('must be there', async () => {
    expect(await judge(branch => remove(branch, contentsPath))).toEqual(
      ['base.ae', 'base.dm', 'base.sv', 'raw.ae', 'raw.dm', 'raw.sv'].map(table => `contents-missing ${table}`),
    )
  })

  it('and readable', async () => {
    expect(await judge(branch => put(branch, contentsPath, '{'))).toContain('declaration-unreadable')
    expect(await judge(branch => put(branch, versionPath, '{}'))).toEqual(
      expect.arrayContaining(['declaration-unreadable', 'record-missing']),
    )
  })

  it('every declared table is there, and no other', async () => {
    expect(await judge(branch => remove(branch, tablePath('raw', 'dm')))).toEqual([
      'contents-table-missing raw.dm',
      'record-dataset-missing raw.dm',
      'base-without-raw base.dm',
    ])
    expect(await judge(branch => remove(branch, tablePath('base', 'dm')))).toEqual(['contents-table-missing base.dm'])
    expect(
      await judge(async branch => put(branch, tablePath('raw', 'xx'), await readText(branch, tablePath('raw', 'dm')))),
    ).toEqual(expect.arrayContaining(['contents-table-undeclared raw.xx', 'record-table-missing raw.xx']))
  })

  it('types, names, ids, nullability, labels and order agree', async () => {
    type Document = {
      datasets: {
        name: string
        fields: { id: number; name: string; type: object; nullable: boolean; label?: string }[]
      }[]
    }
    const dm = (change: (fields: Document['datasets'][0]['fields']) => void) =>
      judge(edit<Document>(contentsPath, ({ datasets }) => change(datasets.find(({ name }) => name === 'dm')!.fields)))
    expect(
      await dm(fields => {
        fields[2]!.type = { kind: 'bigint' }
      }),
    ).toEqual(['contents-type raw.dm AGE'])
    expect(
      await dm(fields => {
        fields[2]!.id = 7
      }),
    ).toEqual(['contents-field-id raw.dm AGE'])
    expect(
      await dm(fields => {
        fields[0]!.nullable = true
      }),
    ).toEqual(['contents-nullability raw.dm USUBJID'])
    expect(
      await dm(fields => {
        fields[1]!.label = 'Centre'
      }),
    ).toEqual(['contents-label raw.dm SITEID'])
    expect(
      await dm(fields => {
        fields[1]!.name = 'CENTRE'
      }),
    ).toEqual(['contents-column-missing raw.dm CENTRE', 'contents-column-extra raw.dm SITEID'])
    expect(await dm(fields => fields.reverse())).toEqual(['contents-order raw.dm AGE'])
    expect(
      await dm(fields => {
        fields.pop()
      }),
    ).toEqual(['contents-column-extra raw.dm AGE'])
  })
})

describe('the record', () => {
  type Document = {
    study: string
    datasets: { dataset: string; rowsIn: number; rowsOut: number; contentKey: string }[]
  }
  const record = (change: (document: Document) => void) => judge(edit(versionPath, change))

  it('is of this study and names what is there', async () => {
    expect(await judge(branch => remove(branch, versionPath))).toContain('record-missing')
    expect(
      await record(document => {
        document.study = 'other'
      }),
    ).toEqual(['record-study'])
    expect(
      await record(({ datasets }) => {
        datasets.shift()
      }),
    ).toEqual(['record-table-missing raw.dm', 'base-content base.dm'])
  })

  it('counts the rows, in and out', async () => {
    expect(
      await record(({ datasets }) => {
        datasets[0]!.rowsIn++
      }),
    ).toEqual(['record-rows raw.dm'])
    expect(
      await record(({ datasets }) => {
        datasets[0]!.rowsIn--
        datasets[0]!.rowsOut--
      }),
    ).toEqual(['record-rows raw.dm'])
  })

  it('names the content', async () => {
    expect(
      await record(({ datasets }) => {
        datasets[0]!.contentKey = 'other'
      }),
    ).toEqual(['record-content raw.dm'])
  })
})

describe('base tables', () => {
  it('have the rows of raw', async () => {
    expect(await judgeRows('base', 'dm', rows => rows.slice(1))).toEqual(['base-rows base.dm'])
  })

  it('are made of raw as it is', async () => {
    expect(await judgeRows('base', 'dm', rows => rows, { [contentKeyProperty]: 'an older one' })).toEqual([
      'file-other base.dm',
      'base-content base.dm',
    ])
  })

  it('have the key columns of their entities', async () => {
    const found = await judge(async branch => {
      const raw = await readText(branch, tablePath('raw', 'dm'))
      await put(branch, tablePath('base', 'dm'), raw)
    })
    expect(found).toEqual([
      'table-uuid-shared raw.dm',
      'table-uuid base.dm',
      'table-location base.dm',
      'file-other base.dm',
      'base-content base.dm',
      'base-column-missing base.dm patient_key',
      'base-column-missing base.dm site_key',
    ])
  })
})

describe('keys', () => {
  it('have their tables', async () => {
    expect(await judge(branch => remove(branch, tablePath('keys', 'patient')))).toEqual([
      'key-table-missing keys.patient',
    ])
  })

  it('stand once in them, as natural keys do', async () => {
    const twice = (at: number) => (rows: Cell[][]) =>
      rows.map((row, i) => (i === 1 ? row.with(at, rows[0]![at]!) : row))
    expect(await judgeRows('keys', 'site', twice(1))).toContain('key-duplicate keys.site')
    expect(await judgeRows('keys', 'site', twice(0))).toContain('natural-key-duplicate keys.site')
  })

  // dm: USUBJID, SITEID, AGE, patient_key, site_key
  it('are those of their own natural keys', async () => {
    const change = (at: number, cell: (row: Cell[]) => Cell) => (rows: Cell[][]) =>
      rows.map((row, i) => (i === 0 ? row.with(at, cell(row)) : row))
    expect(
      await judgeRows(
        'base',
        'dm',
        change(3, () => 99n),
      ),
    ).toEqual(['key-unknown base.dm patient_key'])
    expect(
      await judgeRows(
        'base',
        'dm',
        change(3, () => 2n),
      ),
    ).toEqual(['key-wrong base.dm patient_key'])
    expect(
      await judgeRows(
        'base',
        'dm',
        change(4, () => null),
      ),
    ).toEqual(['key-missing base.dm site_key'])
    expect(
      await judgeRows(
        'base',
        'dm',
        change(1, () => null),
      ),
    ).toEqual(['key-without-natural-key base.dm site_key'])
    // Two patients who changed places: every key is known, every row has one.
    const swapped = (rows: Cell[][]) => rows.map((row, i) => row.with(3, rows[(i + 1) % rows.length]![3]!))
    expect(await judgeRows('base', 'dm', swapped)).toEqual(['key-wrong base.dm patient_key'])
  })
})

describe('files', () => {
  /** Judges while an object is another; footers are remembered, so the store is another one too. */
  async function judgeWith(key: string, bytes: Uint8Array | undefined): Promise<string[]> {
    const before = test.lake.objects.get(key)!
    test.lake.objects.delete(key)
    if (bytes) await test.lake.put(key, bytes)
    try {
      const { problems } = await checkRef({ ...test.environment, lake: { ...test.environment.lake } }, study, 'v1')
      return problems.map(({ code, table, column }) => [code, table, column].filter(Boolean).join(' '))
    } finally {
      test.lake.objects.set(key, before)
    }
  }

  it('exist, have their size, and can be read', async () => {
    const key = await fileOf('base', 'sv')
    const { bytes } = test.lake.objects.get(key)!
    expect(await judgeWith(key, undefined)).toEqual(['file-missing base.sv'])
    expect(await judgeWith(key, bytes.slice(1))).toEqual(['file-size base.sv'])
    expect(
      await judgeWith(
        key,
        bytes.map(() => 0),
      ),
    ).toEqual(['file-unreadable base.sv'])
  })

  it('say of themselves what the table says', async () => {
    const found = await judge(async branch => {
      const other = await readTable(branch, 'raw', 'ae')
      const parent = await readTable(branch, 'raw', 'dm')
      const fields = currentSchemaFields(parent)
      const key = await fileOf('raw', 'ae')
      const described = await describeDataFile({ lake: test.lake }, { key, fields: currentSchemaFields(other) })
      const files = [{ ...described, rows: 3 }]
      const table = { store: test.lake, study, layer: 'raw', dataset: 'dm', fields, files, parent } as const
      const { text } = await writeTable({ ...table, mode: 'replace', time: test.clock.now() })
      await put(branch, tablePath('raw', 'dm'), text)
    })
    expect(found).toEqual(
      expect.arrayContaining([
        'footer-column-missing raw.dm AGE',
        'footer-column-missing raw.dm SITEID',
        'footer-column-extra raw.dm AETERM',
        'file-rows raw.dm',
      ]),
    )
  })

  it('lie in the lake bucket', async () => {
    const found = await judge(async branch => {
      const parent = await readTable(branch, 'raw', 'dm')
      const fields = currentSchemaFields(parent)
      const described = await describeDataFile({ lake: test.lake }, { key: await fileOf('raw', 'dm'), fields })
      const files = [{ ...described, address: described.address.replace('s3://lake/', 's3://elsewhere/') }]
      const table = { store: test.lake, study, layer: 'raw', dataset: 'dm', fields, files, parent } as const
      const { text } = await writeTable({ ...table, mode: 'replace', time: test.clock.now() })
      await put(branch, tablePath('raw', 'dm'), text)
    })
    expect(found).toContain('address-outside raw.dm')
  })
})

describe('table objects', () => {
  it('are tables, and lie where tables lie', async () => {
    expect(await judge(branch => put(branch, tablePath('raw', 'dm'), '{"format-version": 1}'))).toContain(
      'table-unreadable raw.dm',
    )
    expect(await judge(branch => put(branch, 'tables/gold/dm.json', '{}'))).toEqual(['table-misplaced'])
  })

  it('agree with their snapshots', async () => {
    type Document = { snapshots: { summary: Record<string, string> }[] }
    const found = await judge(
      edit<Document>(tablePath('raw', 'dm'), ({ snapshots }) => {
        snapshots[0]!.summary['total-records'] = '7'
      }),
    )
    expect(found).toEqual(['snapshot-totals raw.dm'])
  })
})

describe('what cannot be read', () => {
  const failing = (part: 'lake' | 'lakefs', method: string, failure: Error, when: (...args: string[]) => boolean) => ({
    ...test.environment,
    [part]: {
      ...test.environment[part],
      [method]: (...args: string[]) => {
        if (when(...args)) throw failure
        return (test.environment[part] as unknown as Record<string, (...args: string[]) => unknown>)[method]!(...args)
      },
    },
  })
  const transient = new TransientError('did not answer')

  it.each([
    ['lake', 'get', (key: string) => key.endsWith('.avro')],
    ['lake', 'get', (key: string) => key.endsWith('.parquet')],
    ['lake', 'head', () => true],
    ['lakefs', 'getObject', (_study: string, _ref: string, path: string) => path === versionPath],
    ['lakefs', 'getObject', (_study: string, _ref: string, path: string) => path.startsWith('tables/')],
  ] as ['lake' | 'lakefs', string, (...args: string[]) => boolean][])(
    'is no verdict: %s.%s',
    async (part, method, when) => {
      await expect(checkRef(failing(part, method, transient, when), study, 'v1')).rejects.toBe(transient)
    },
  )

  it('nor is what breaks off in the middle of an answer', async () => {
    const cut = new TypeError('terminated')
    const environment = failing('lakefs', 'getObject', cut, (_study, _ref, path) => path === versionPath)
    await expect(checkRef(environment, study, 'v1')).rejects.toBe(cut)
  })
})

describe('identity', () => {
  type Document = { 'table-uuid': string; location: string; refs: Record<string, { 'snapshot-id': number }> }
  const raw = (change: (document: Document) => void) => judge(edit(tablePath('raw', 'dm'), change))

  it('a table is the one that its path names', async () => {
    expect(
      await raw(document => {
        document['table-uuid'] = '00000000-0000-5000-8000-000000000000'
      }),
    ).toEqual(['table-uuid raw.dm'])
    expect(
      await raw(document => {
        document.location = 's3://lake/data/gate/raw/sv'
      }),
    ).toEqual(['table-location raw.dm'])
  })

  it('and its branch main is what readers see', async () => {
    expect(
      await raw(({ refs }) => {
        refs.main!['snapshot-id']++
      }),
    ).toEqual(['snapshot-ref raw.dm', 'snapshot-branch raw.dm'])
  })
})

describe('the destination of a merge', () => {
  /** What the gate says of a commit on its way to a branch. */
  async function judgeMerge(destination: string, source: string, change: (branch: string) => Promise<unknown>) {
    const branch = `_test-${branches++}`
    await test.environment.lakefs.createBranch(study, { name: branch, source, hidden: true })
    await change(branch)
    // What goes into the authority is compared with the candidate's parent, so it has to be a commit.
    const ref = destination === 'keys' ? await commit(branch) : branch
    const { problems } = await checkRef(test.environment, study, ref, { destination, profile: 'full' })
    return problems.map(({ code, table }) => [code, table].filter(Boolean).join(' '))
  }
  const commit = async (branch: string) =>
    (await test.environment.lakefs.commit(study, branch, { message: 'x', allowEmpty: true })).id
  /** A key table that begins anew. */
  const renumbered = async (branch: string) => {
    const before = await readTable(branch, 'keys', 'site')
    const fields = currentSchemaFields(before)
    const { bytes } = await writeParquetFile(fields, [
      makeBatch(fields, [
        ['S2', 1n, 'v1'],
        ['S1', 2n, 'v1'],
      ]),
    ])
    const key = dataKey(study, 'keys', 'site', `test-${branches}`)
    await test.lake.put(key, bytes)
    const files = [await describeDataFile({ lake: test.lake }, { key, fields })]
    const table = { store: test.lake, study, layer: 'keys', dataset: 'site', fields, files } as const
    const { text } = await writeTable({ ...table, mode: 'replace', time: test.clock.now() })
    await put(branch, tablePath('keys', 'site'), text)
  }

  it('the authority only goes on', async () => {
    expect(await judgeMerge('keys', 'keys', async () => {})).toEqual([])
    const other = await judgeMerge('keys', 'keys', renumbered)
    expect(other).toEqual(['authority-rewritten keys.site'])
    expect(await judgeMerge('keys', 'keys', branch => remove(branch, tablePath('keys', 'site')))).toEqual([
      'authority-table-lost keys.site',
    ])
  })

  it('versions carry keys of the authority, and no others', async () => {
    expect(await judgeMerge('v1', 'v1', async () => {})).toEqual([])
    expect(await judgeMerge('v2', 'v1', renumbered)).toContain('keys-unauthorised keys.site')
  })

  it('a version stays itself', async () => {
    const renamed = edit<{ version: string }>(versionPath, document => {
      document.version = 'v2'
    })
    expect(await judgeMerge('v1', 'v1', renamed)).toEqual(['version-replaced'])
    expect(await judgeMerge('main', 'v1', renamed)).toEqual([])
  })
})
