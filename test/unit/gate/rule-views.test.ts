import { beforeAll, describe, expect, it } from 'vitest'
import { checkAddresses, isOwn } from '../../../lib/gate/rule-addresses.ts'
import { checkBase } from '../../../lib/gate/rule-base.ts'
import { checkDeclared } from '../../../lib/gate/rule-declared.ts'
import { checkIdentity } from '../../../lib/gate/rule-identity.ts'
import { checkKeyTables } from '../../../lib/gate/rule-key-tables.ts'
import { checkMetadata } from '../../../lib/gate/rule-metadata.ts'
import { checkRecord } from '../../../lib/gate/rule-record.ts'
import { checkUuids } from '../../../lib/gate/rule-uuid.ts'
import type { VersionView } from '../../../lib/gate/view.ts'
import { tablePath } from '../../../lib/layout.ts'
import { baseContentKey } from '../../../lib/pipeline/content-key.ts'
import { contentKeyProperty } from '../../../lib/pipeline/table-properties.ts'
import { bedEntities, type GateBed, makeGateBed, tableOf } from '../../support/gate-bed.ts'

let bed: GateBed
beforeAll(async () => {
  bed = await makeGateBed()
})

type Rule = (view: VersionView) => unknown[]
/** What a rule says of the version after a change. */
const judge =
  (rule: Rule) =>
  (change: (view: VersionView) => unknown = () => {}): unknown[] => {
    const view = bed.view()
    change(view)
    return rule(view)
  }
/** Takes a table away, or away from what is read. */
const drop = (view: VersionView, name: string, { isListed = false } = {}) => {
  const { layer, dataset } = tableOf(view, name)
  view.tables = view.tables.filter(table => table.name !== name)
  if (!isListed) view.listing = new Map([...view.listing].filter(([path]) => path !== tablePath(layer, dataset)))
}

it.each<[string, Rule]>([
  ['addresses', checkAddresses],
  ['base', checkBase],
  ['declared', checkDeclared],
  ['identity', checkIdentity],
  ['key tables', checkKeyTables],
  ['metadata', checkMetadata],
  ['record', checkRecord],
  ['uuids', checkUuids],
])('the rule of %s has nothing against what is lawful', (_name, rule) => {
  expect(judge(rule)()).toEqual([])
})

describe('declared contents', () => {
  const declared = judge(checkDeclared)

  it('must be there where there are delivered tables', () => {
    const missing = ['raw.dm', 'base.dm', 'raw.ae', 'base.ae', 'raw.tv', 'base.tv'].map(table => ({
      code: 'contents-missing',
      table,
      message: 'there is no study/contents.json that declares it',
    }))
    expect(declared(view => delete view.contents)).toEqual(missing)
    const onlyKeys = (view: VersionView) => {
      delete view.contents
      view.tables = view.tables.filter(({ layer }) => layer === 'keys')
    }
    expect(declared(onlyKeys)).toEqual([])
  })

  it('have a raw and a base table each', () => {
    const lacks = (table: string) => [
      { code: 'contents-table-missing', table, message: 'is declared and there is no such table' },
    ]
    expect(declared(view => drop(view, 'raw.ae'))).toEqual(lacks('raw.ae'))
    expect(declared(view => drop(view, 'base.ae'))).toEqual(lacks('base.ae'))
  })

  it('are compared only with tables that are read', () => {
    const edited = (view: VersionView) => {
      view.contents!.datasets[1]!.fields[1]!.type = { kind: 'double' }
    }
    expect(declared(edited)).toHaveLength(1)
    const unread = (view: VersionView) => {
      edited(view)
      drop(view, 'raw.ae', { isListed: true })
    }
    expect(declared(unread)).toEqual([])
  })

  it('name every table of theirs', () => {
    const undeclared = ['raw.tv', 'base.tv'].map(table => ({
      code: 'contents-table-undeclared',
      table,
      message: 'no contents file declares it',
    }))
    expect(declared(view => view.contents!.datasets.pop())).toEqual(undeclared)
  })

  it('agree with raw column by column, labels too', () => {
    const subject = 'the table, compared with the contents file,'
    const dm = (change: (fields: NonNullable<VersionView['contents']>['datasets'][0]['fields']) => void) =>
      declared(view => change(view.contents!.datasets[0]!.fields))
    expect(
      dm(fields => {
        fields[2]!.type = { kind: 'bigint' }
      }),
    ).toEqual([
      {
        code: 'contents-type',
        table: 'raw.dm',
        column: 'AGE',
        message: `${subject} has another type`,
        expected: 'bigint',
        found: 'integer',
      },
    ])
    expect(
      dm(fields => {
        fields[2]!.label = 'Years'
      }),
    ).toEqual([{ code: 'contents-label', table: 'raw.dm', column: 'AGE', message: `${subject} has another label` }])
  })
})

describe('the record', () => {
  const recorded = judge(checkRecord)
  const first = (change: (dataset: NonNullable<VersionView['record']>['datasets'][0]) => void) =>
    recorded(view => change(view.record!.datasets[0]!))

  it('is there where there are contents', () => {
    const missing = [{ code: 'record-missing', message: 'there is no study/version.json' }]
    expect(recorded(view => delete view.record)).toEqual(missing)
    const neither = (view: VersionView) => {
      delete view.record
      delete view.contents
    }
    expect(recorded(neither)).toEqual([])
  })

  it('is of this study', () => {
    expect(
      recorded(view => {
        view.record!.study = 'other'
      }),
    ).toEqual([
      { code: 'record-study', message: 'study/version.json is of another study', expected: 'bed', found: 'other' },
    ])
  })

  it('counts what came in as what went out and what was rejected', () => {
    const wrong = (expected: string, found: string) => [
      {
        code: 'record-rows',
        table: 'raw.dm',
        message: 'rows in are not rows out and rows rejected',
        expected,
        found,
      },
    ]
    expect(
      first(dataset => {
        dataset.rowsIn = 4
      }),
    ).toEqual(wrong('4', '3'))
    expect(
      first(dataset => {
        dataset.rowsRejected = 1
      }),
    ).toEqual(wrong('3', '4'))
    expect(first(dataset => Object.assign(dataset, { rowsIn: 5, rowsRejected: 2 }))).toEqual([])
  })

  it('counts the rows of raw', () => {
    expect(first(dataset => Object.assign(dataset, { rowsIn: 2, rowsOut: 2 }))).toEqual([
      {
        code: 'record-rows',
        table: 'raw.dm',
        message: 'has other rows than study/version.json',
        expected: '2',
        found: '3',
      },
    ])
  })

  it('counts the columns of raw', () => {
    expect(
      first(dataset => {
        dataset.columns = 4
      }),
    ).toEqual([
      {
        code: 'record-columns',
        table: 'raw.dm',
        message: 'has other columns than study/version.json counts',
        expected: '4',
        found: '3',
      },
    ])
  })

  it('names the content of raw', () => {
    const other = [
      { code: 'record-content', table: 'raw.dm', message: 'is not made of the content that study/version.json names' },
    ]
    expect(
      first(dataset => {
        dataset.contentKey = 'x'
      }),
    ).toEqual(other)
    expect(recorded(view => delete tableOf(view, 'raw.dm').metadata.properties)).toEqual(other)
  })

  it('names the raw tables that are there, and no others', () => {
    const lost = {
      code: 'record-dataset-missing',
      table: 'raw.dm',
      message: 'study/version.json names it and there is no such table',
    }
    expect(recorded(view => drop(view, 'raw.dm'))).toEqual([lost])
    // What is there and not read is judged for nothing else.
    const unread = (view: VersionView) => {
      view.record!.datasets[0]!.columns = 9
      drop(view, 'raw.dm', { isListed: true })
    }
    expect(recorded(unread)).toEqual([])
    const unnamed = { code: 'record-table-missing', table: 'raw.dm', message: 'study/version.json does not name it' }
    expect(recorded(view => view.record!.datasets.shift())).toEqual([unnamed])
  })

  it('goes on with the next dataset', () => {
    const two = (view: VersionView) => {
      drop(view, 'raw.dm')
      view.record!.datasets[1]!.columns = 9
    }
    expect(recorded(two)).toMatchObject([
      { code: 'record-dataset-missing' },
      { code: 'record-columns', table: 'raw.ae' },
    ])
  })
})

describe('base', () => {
  const based = judge(checkBase)
  const otherContent = (dataset: string) => ({
    code: 'base-content',
    table: `base.${dataset}`,
    message: `is not made of raw.${dataset} as it is`,
  })

  it('has its raw table, and the others are judged all the same', () => {
    const lost = { code: 'base-without-raw', table: 'base.dm', message: 'there is no raw.dm' }
    expect(based(view => drop(view, 'raw.dm'))).toEqual([lost])
    const two = (view: VersionView) => {
      drop(view, 'raw.dm')
      tableOf(view, 'base.ae').files[0]!.rows = 9
    }
    expect(based(two)).toMatchObject([lost, { code: 'base-rows', table: 'base.ae' }])
  })

  it('has the rows of raw, over all its files', () => {
    expect(
      based(view => {
        tableOf(view, 'base.dm').files[0]!.rows = 2
      }),
    ).toEqual([{ code: 'base-rows', table: 'base.dm', message: 'has other rows than raw', expected: '3', found: '2' }])
    const split = (view: VersionView) => {
      const { files } = tableOf(view, 'base.dm')
      files[0]!.rows = 2
      files.push({ ...files[0]!, rows: 1 })
    }
    expect(based(split)).toEqual([])
  })

  it('is made of raw and of the keys that the record names', () => {
    expect(
      based(view => {
        view.record!.datasets[0]!.keyHashes = { patient: 'x', site: 'of its sites' }
      }),
    ).toEqual([otherContent('dm')])
    expect(based(view => delete view.record!.datasets[0]!.keyHashes)).toEqual([otherContent('dm')])
    expect(based(view => delete tableOf(view, 'base.ae').metadata.properties)).toEqual([otherContent('ae')])
    expect(based(view => delete tableOf(view, 'raw.ae').metadata.properties)).toEqual([otherContent('ae')])
    // Of a raw table without a content key no base table is made.
    const neither = (view: VersionView) => {
      delete tableOf(view, 'raw.ae').metadata.properties
      const keys = { patient: 'of its patients' }
      tableOf(view, 'base.ae').metadata.properties![contentKeyProperty] = baseContentKey('', [bedEntities[0]!], keys)
    }
    expect(based(neither)).toEqual([])
  })

  it('without a record only its rows are compared', () => {
    const change = (view: VersionView) => {
      delete view.record
      tableOf(view, 'base.dm').fields.pop()
      tableOf(view, 'base.dm').files[0]!.rows = 1
    }
    expect(based(change)).toMatchObject([{ code: 'base-rows' }])
  })

  it('has the columns of raw and its keys, labels too', () => {
    const subject = 'the base table, compared with raw and its keys,'
    const of = (code: string, column: string, message: string) => [
      { code: `base-${code}`, table: 'base.dm', column, message: `${subject} ${message}` },
    ]
    expect(based(view => tableOf(view, 'base.dm').fields.pop())).toEqual(
      of('column-missing', 'site_key', 'lacks the column'),
    )
    expect(
      based(view => {
        tableOf(view, 'base.dm').fields[0]!.label = 'x'
      }),
    ).toEqual(of('label', 'USUBJID', 'has another label'))
  })
})

describe('identity', () => {
  const identified = judge(checkIdentity)
  const of = (name: string, change: (table: ReturnType<typeof tableOf>, view: VersionView) => unknown) =>
    identified(view => change(tableOf(view, name), view))
  const otherFile = (table: string) => ({
    code: 'file-other',
    table,
    message: 'is not made of the one file that its content key names',
  })

  it('is the uuid and the location of the path', () => {
    const uuid = '00000000-0000-5000-8000-000000000000'
    expect(of('keys.site', ({ metadata }) => Object.assign(metadata, { 'table-uuid': uuid }))).toEqual([
      { code: 'table-uuid', table: 'keys.site', message: 'is another table: its uuid is not this path’s' },
    ])
    expect(of('raw.dm', ({ metadata }) => Object.assign(metadata, { location: 's3://lake/data/bed/raw/ae' }))).toEqual([
      { code: 'table-location', table: 'raw.dm', message: 'is another table: its location is not this path’s' },
    ])
  })

  it('a field id stands for one column in all schemas', () => {
    const found = of('raw.dm', ({ metadata }) => {
      const [schema] = metadata.schemas
      const fields = schema!.fields.map(field => (field.name === 'AGE' ? { ...field, type: 'string' } : field))
      metadata.schemas.push({ ...schema!, 'schema-id': 7, fields })
    })
    expect(found).toMatchObject([{ code: 'schema-field-type', table: 'raw.dm', column: 'AGE' }])
  })

  it('has no delete files', () => {
    const deletes = {
      code: 'delete-file',
      message: 'has delete files, which engines write: rows of a version are never taken away',
    }
    const added = of('keys.site', ({ files }) => files.push({ ...files[0]!, content: 1 }))
    expect(added).toEqual([{ ...deletes, table: 'keys.site' }])
    const only = of('keys.site', ({ files }) => Object.assign(files[0]!, { content: 2 }))
    expect(only).toEqual([{ ...deletes, table: 'keys.site' }])
  })

  it('is the one file that the content key names', () => {
    for (const name of ['raw.dm', 'base.dm', 'raw.tv', 'base.tv']) {
      const other = (file: { address: string }) =>
        Object.assign(file, { address: 's3://lake/data/bed/raw/dm/x.parquet' })
      expect(of(name, ({ files }) => other(files[0]!))).toEqual([otherFile(name)])
      expect(of(name, ({ files }) => files.push(files[0]!))).toEqual([otherFile(name)])
      expect(of(name, ({ files }) => files.pop())).toEqual([otherFile(name)])
    }
    // Key tables grow by a file with every version.
    expect(
      of('keys.site', ({ files }) => files.push({ ...files[0]!, address: 's3://lake/data/bed/keys/site/x' })),
    ).toEqual([])
  })

  it('of a base table without keys it is the raw file that the record names', () => {
    expect(
      of('base.tv', (_table, view) => {
        view.record!.datasets[2]!.contentKey = 'another'
      }),
    ).toEqual([otherFile('base.tv')])
    expect(
      of('base.dm', (_table, view) => {
        view.record!.datasets[0]!.contentKey = 'another'
      }),
    ).toEqual([])
    // Of a dataset that the record does not name, the rule of the record says so.
    expect(of('base.tv', (_table, view) => view.record!.datasets.pop())).toEqual([])
  })

  it('cannot be told without a record or a content key', () => {
    const moved = (table: ReturnType<typeof tableOf>) => {
      table.files[0]!.address = 's3://lake/data/bed/raw/dm/x.parquet'
    }
    expect(
      of('raw.dm', (table, view) => {
        moved(table)
        delete view.record
      }),
    ).toEqual([])
    expect(
      of('raw.dm', table => {
        moved(table)
        delete table.metadata.properties
      }),
    ).toEqual([])
  })
})

describe('key tables', () => {
  const keyed = judge(checkKeyTables)
  const message = 'has other columns than a key table, or one of another type, or one that may be null'
  const odd = (found: string, expected = 'USUBJID, patient_key, first_version') => [
    { code: 'key-table-columns', table: 'keys.patient', message, expected, found },
  ]
  const patient = (change: (fields: VersionView['tables'][0]['fields'], view: VersionView) => unknown) =>
    keyed(view => change(tableOf(view, 'keys.patient').fields, view))

  it('are there for every key that a base table carries', () => {
    const missing = {
      code: 'key-table-missing',
      table: 'keys.site',
      message: 'base tables carry its keys and there is no such table',
    }
    expect(keyed(view => drop(view, 'keys.site'))).toEqual([missing])
    const unused = (view: VersionView) => {
      drop(view, 'keys.site')
      drop(view, 'base.dm')
    }
    expect(keyed(unused)).toEqual([])
    const nameless = (view: VersionView) => {
      drop(view, 'keys.site')
      delete view.record
    }
    expect(keyed(nameless)).toEqual([])
    // Raw tables carry no keys.
    const onlyRaw = (view: VersionView) => {
      drop(view, 'keys.site')
      for (const name of ['base.dm', 'base.ae', 'base.tv']) drop(view, name)
    }
    expect(keyed(onlyRaw)).toEqual([])
  })

  it.each<[string, number, object]>([
    ['key of another name', 1, { name: 'key' }],
    ['key of another type', 1, { type: { kind: 'integer' } }],
    ['version of another name', 2, { name: 'version' }],
    ['version of another type', 2, { type: { kind: 'bigint' } }],
    ['natural key that may be null', 0, { nullable: true }],
    ['key that may be null', 1, { nullable: true }],
    ['version that may be null', 2, { nullable: true }],
    ['natural key of another name', 0, { name: 'SUBJID' }],
  ])('have no %s', (_what, at, change) => {
    const names = ['USUBJID', 'patient_key', 'first_version']
    const found = names.with(at, (change as { name?: string }).name ?? names[at]!).join(', ')
    expect(patient(fields => Object.assign(fields[at]!, change))).toEqual(odd(found))
  })

  it('have the whole natural key, in its order, without case', () => {
    expect(patient(fields => Object.assign(fields[0]!, { name: 'usubjid' }))).toEqual([])
    expect(patient((_fields, view) => Object.assign(view.record!.entities[0]!, { naturalKey: ['usubjid'] }))).toEqual(
      [],
    )
    const visit = (naturalKey: string[]) =>
      patient((fields, view) => {
        fields.unshift({ ...fields[0]!, id: 9, name: 'VISITNUM' })
        Object.assign(view.record!.entities[0]!, { naturalKey })
      })
    expect(visit(['VISITNUM', 'USUBJID'])).toEqual([])
    expect(visit(['USUBJID', 'VISITNUM'])).toEqual(
      odd('VISITNUM, USUBJID, patient_key, first_version', 'USUBJID, VISITNUM, patient_key, first_version'),
    )
    expect(visit(['USUBJID'])).toEqual(odd('VISITNUM, USUBJID, patient_key, first_version'))
  })

  it('have a natural key, whatever it is called where nothing says so', () => {
    const unnamed = (change: (fields: VersionView['tables'][0]['fields']) => unknown) =>
      patient((fields, view) => {
        delete view.record
        change(fields)
      })
    expect(unnamed(() => {})).toEqual([])
    expect(unnamed(fields => Object.assign(fields[0]!, { name: 'ANY' }))).toEqual([])
    expect(unnamed(fields => fields.shift())).toEqual(
      odd('patient_key, first_version', '…, patient_key, first_version'),
    )
    expect(unnamed(fields => fields.splice(0))).toEqual(odd('', '…, patient_key, first_version'))
    expect(unnamed(fields => fields.splice(1))).toEqual(odd('USUBJID', '…, patient_key, first_version'))
  })

  it('are all looked at', () => {
    const both = (view: VersionView) => {
      for (const name of ['keys.patient', 'keys.site']) tableOf(view, name).fields[1]!.nullable = true
    }
    expect(keyed(both)).toMatchObject([{ table: 'keys.patient' }, { table: 'keys.site' }])
  })
})

describe('metadata', () => {
  it('of every table agrees with itself, and what does not names the table', () => {
    const found = judge(checkMetadata)(view => {
      tableOf(view, 'base.dm').metadata['default-spec-id'] = 7
    })
    expect(found).toMatchObject([{ code: 'partition-spec-missing', table: 'base.dm' }])
  })
})

describe('addresses', () => {
  const addressed = judge(checkAddresses)
  const stolen = 's3://lake/data/other/raw/dm/a.parquet'
  const outside = [
    { code: 'address-outside', table: 'raw.dm', message: `${stolen} is not among the study's own files` },
  ]
  const dm = (change: (table: ReturnType<typeof tableOf>) => unknown) =>
    addressed(view => change(tableOf(view, 'raw.dm')))

  it('are the study’s own wherever a table names one', () => {
    expect(dm(({ metadata }) => Object.assign(metadata, { location: stolen }))).toEqual(outside)
    expect(dm(({ metadata }) => Object.assign(metadata.snapshots![0]!, { 'manifest-list': stolen }))).toEqual(outside)
    expect(dm(({ manifests }) => manifests.push(stolen))).toEqual(outside)
    expect(dm(({ files }) => Object.assign(files[0]!, { address: stolen }))).toEqual(outside)
    expect(dm(({ metadata }) => delete metadata.snapshots)).toEqual([])
  })

  it('are told once each', () => {
    const twice = dm(({ files, manifests }) => {
      manifests.push(stolen)
      files.push({ ...files[0]!, address: stolen })
    })
    expect(twice).toEqual(outside)
  })

  it.each([
    ['s3://lake/data/bed/raw/dm/a.parquet', true],
    ['s3a://lake/metadata/bed/x', true],
    ['s3://lake/data/bed/a..b/.c', true],
    ['s3://lake/attest/bed/x', false],
    ['s3://lake/data/bed', false],
    ['s3://lake/x/data/bed/raw', false],
    ['s3://lake/data/bed/', false],
    ['s3://lake/data/bed/a//b', false],
    ['s3://lake/data/bed/./b', false],
    ['s3://lake/data/bed/../b', false],
    ['s3://other/data/bed/raw', false],
    ['/data/bed/raw', false],
  ])('%s: %s', (address, own) => {
    expect(isOwn({ study: 'bed', bucket: 'lake' }, address)).toBe(own)
  })
})

describe('uuids', () => {
  const unique = judge(checkUuids)
  const set = (view: VersionView, name: string, uuid: string) => {
    tableOf(view, name).metadata['table-uuid'] = uuid
  }
  const uuid = '0123ABCD-0123-4567-89ab-0123456789ab'

  it.each(['', 'x', `${uuid}0`, `0${uuid}`, uuid.replaceAll('-', ''), uuid.replace('A', 'g')])(
    'are uuids, which "%s" is not',
    text => {
      expect(unique(view => set(view, 'raw.dm', text))).toEqual([
        { code: 'table-uuid', table: 'raw.dm', message: 'its table-uuid is no uuid' },
      ])
    },
  )

  it('are of one table each, in whatever case', () => {
    expect(unique(view => set(view, 'raw.dm', uuid))).toEqual([])
    const two = unique(view => {
      set(view, 'raw.dm', uuid)
      set(view, 'base.ae', uuid.toLowerCase())
    })
    expect(two).toEqual([{ code: 'table-uuid-shared', table: 'base.ae', message: 'is the table raw.dm once more' }])
  })

  it('a table that is not read is told apart by its object; the copy is the one that is read', () => {
    const copy = (view: VersionView, ...unread: string[]) => {
      const listing = new Map(view.listing)
      listing.set(tablePath('raw', 'dm'), listing.get(tablePath('raw', 'tv')))
      view.listing = listing
      view.tables = view.tables.filter(({ name }) => !unread.includes(name))
    }
    const shared = (table: string, owner: string) => [
      { code: 'table-uuid-shared', table, message: `is the table ${owner} once more` },
    ]
    expect(unique(view => copy(view, 'raw.dm'))).toEqual(shared('raw.tv', 'raw.dm'))
    expect(unique(view => copy(view, 'raw.tv'))).toEqual(shared('raw.dm', 'raw.tv'))
  })

  it('is said once of a table', () => {
    const both = unique(view => {
      const listing = new Map(view.listing)
      listing.set(tablePath('raw', 'ae'), listing.get(tablePath('raw', 'dm')))
      view.listing = listing
      set(view, 'raw.ae', tableOf(view, 'raw.dm').metadata['table-uuid'])
    })
    expect(both).toEqual([{ code: 'table-uuid-shared', table: 'raw.ae', message: 'is the table raw.dm once more' }])
  })

  it('what is said of one table keeps nothing from being said of another', () => {
    const both = unique(view => {
      set(view, 'raw.ae', 'x')
      view.listing = new Map([...view.listing, [tablePath('work', 'copy'), view.listing.get(tablePath('raw', 'dm'))]])
    })
    expect(both).toMatchObject([
      { code: 'table-uuid', table: 'raw.ae' },
      { code: 'table-uuid-shared', table: 'raw.dm', message: 'is the table work.copy once more' },
    ])
  })

  it('objects whose content is not known, or that are no tables, are of nobody', () => {
    const unknown = unique(view => {
      view.listing = new Map([...view.listing.keys()].map(path => [path, undefined]))
    })
    expect(unknown).toEqual([])
    const notes = unique(view => {
      view.listing = new Map([...view.listing, ['notes/a', 'same'], ['notes/b', 'same']])
    })
    expect(notes).toEqual([])
  })
})
