import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PreconditionError, TransientError } from '../../../lib/errors.ts'
import type { Dataset } from '../../../lib/fields.ts'
import { outcomeKey, reportKey } from '../../../lib/layout.ts'
import { nameCause } from '../../../lib/pipeline/causes.ts'
import { baseContentKey, type ConversionInputs, contentAlias, contentKey } from '../../../lib/pipeline/content-key.ts'
import { describeDataFile } from '../../../lib/pipeline/data-files.ts'
import { warningsOf } from '../../../lib/pipeline/judge.ts'
import { type Outcome, readOutcome, writeOutcome } from '../../../lib/pipeline/outcome.ts'
import { isSweepDue } from '../../../lib/pipeline/sweep.ts'
import { readReport, writeReport } from '../../../lib/pipeline/version-report.ts'
import { putOnce } from '../../../lib/store/put-once.ts'
import { memoryStore } from '../../support/memory-store.ts'

const encode = (text: string) => new TextEncoder().encode(text)

describe('content keys', () => {
  const dataset: Dataset = {
    name: 'dm',
    fields: [
      { id: 1, name: 'USUBJID', type: { kind: 'string' }, nullable: false, label: 'Subject' },
      { id: 2, name: 'BIRTH', type: { kind: 'date' }, nullable: true, format: 'DATE9.' },
    ],
  }
  const inputs: ConversionInputs = {
    dataset,
    entities: [{ name: 'patient', naturalKey: ['USUBJID'], required: false }],
    options: { onBadValue: 'reject', encoding: 'utf-8' },
    config: { rowGroupRows: 10, rowGroupBytes: 1000, maxCellBytes: 100 },
  }
  const object = { etag: 'e', size: 3 }
  const [first, second] = dataset.fields
  const withFields = (...fields: Dataset['fields']): ConversionInputs => ({
    ...inputs,
    dataset: { ...dataset, fields },
  })

  it.each([
    ['type', withFields({ ...first!, type: { kind: 'integer' } }, second!)],
    ['name', withFields({ ...first!, name: 'SUBJID' }, second!)],
    ['id', withFields({ ...first!, id: 9 }, second!)],
    ['nullable', withFields({ ...first!, nullable: true }, second!)],
    ['format', withFields(first!, { ...second!, format: 'YYMMDD10.' })],
    ['order', withFields(second!, first!)],
    ['bad values', { ...inputs, options: { ...inputs.options, onBadValue: 'null' } }],
    ['encoding', { ...inputs, options: { ...inputs.options, encoding: 'latin1' } }],
    ['entities', { ...inputs, entities: [] }],
    ['required', { ...inputs, entities: [{ ...inputs.entities[0]!, required: true }] }],
    ['row groups', { ...inputs, config: { ...inputs.config, rowGroupRows: 11 } }],
    ['cells', { ...inputs, config: { ...inputs.config, maxCellBytes: 101 } }],
  ] as [string, ConversionInputs][])('%s decides', (_, other) => {
    expect(contentKey(other, object)).not.toBe(contentKey(inputs, object))
    expect(contentAlias(other, 'sha')).not.toBe(contentAlias(inputs, 'sha'))
  })

  it('the file decides, and neither its path nor its time nor a label does', () => {
    expect(contentKey(inputs, { ...object, etag: 'f' })).not.toBe(contentKey(inputs, object))
    expect(contentKey(inputs, { ...object, size: 4 })).not.toBe(contentKey(inputs, object))
    const moved = { ...object, key: 'a/b/c.csv', lastModified: new Date() }
    expect(contentKey(inputs, moved)).toBe(contentKey(inputs, object))
    expect(contentKey(withFields({ ...first!, label: 'Patient' }, second!), object)).toBe(contentKey(inputs, object))
  })

  it('a base file is named by its raw file and the keys that it gets', () => {
    const [patient] = inputs.entities
    const key = baseContentKey('raw', [patient!])
    expect(baseContentKey('raw', [{ ...patient!, required: true }])).toBe(key)
    expect(baseContentKey('other', [patient!])).not.toBe(key)
    expect(baseContentKey('raw', [])).not.toBe(key)
    expect(baseContentKey('raw', [{ ...patient!, naturalKey: ['SUBJID'] }])).not.toBe(key)
  })
})

it('a cause is a name that a queue takes, and another for other parts', () => {
  const parts = fc.array(fc.oneof(fc.string(), fc.nat(), fc.constant(undefined)), { maxLength: 4 })
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      expect(nameCause(...a)).toMatch(/^[0-9a-f]{24}$/)
      expect(nameCause(...a) === nameCause(...b)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
  )
})

describe('putOnce', () => {
  /** A body that counts what is read of it and learns when it is closed. */
  function makeBody(fail?: Error) {
    const seen = { chunks: 0, closed: false }
    async function* body() {
      try {
        for (; seen.chunks < 3; ) {
          seen.chunks++
          yield encode('chunk')
        }
        if (fail) throw fail
      } finally {
        seen.closed = true
      }
    }
    return { seen, body: body() }
  }

  it('writes bytes and streams', async () => {
    const store = memoryStore()
    await putOnce(store, 'a', encode('bytes'))
    const { body } = makeBody()
    await putOnce(store, 'b', body)
    expect([...store.objects.values()].map(({ bytes }) => bytes.length)).toEqual([5, 15])
  })

  it('leaves what is there, and reads the stream to its end all the same', async () => {
    const store = memoryStore({ objects: { a: 'first' } })
    const early = { ...store, put: () => Promise.reject(new PreconditionError('there already')) }
    for (const target of [store, early]) {
      await putOnce(target, 'a', encode('second'))
      const { body, seen } = makeBody()
      await putOnce(target, 'a', body)
      expect(seen).toEqual({ chunks: 3, closed: true })
    }
    expect(new TextDecoder().decode(store.objects.get('a')!.bytes)).toBe('first')
  })

  it('passes on what the stream throws, also where the object is there', async () => {
    const store = memoryStore({ objects: { a: 'first' } })
    const early = { ...store, put: () => Promise.reject(new PreconditionError('there already')) }
    for (const target of [memoryStore(), early])
      await expect(putOnce(target, 'a', makeBody(new Error('bad row')).body)).rejects.toThrow('bad row')
  })

  it('closes the stream when the store fails', async () => {
    const failing = {
      ...memoryStore(),
      async put(_key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<never> {
        if (!(body instanceof Uint8Array)) for await (const _ of body) break
        throw new TransientError('no store')
      },
    }
    const { body, seen } = makeBody()
    await expect(putOnce(failing, 'a', body)).rejects.toThrow('no store')
    expect(seen).toEqual({ chunks: 1, closed: true })
    await expect(putOnce(failing, 'a', encode('bytes'))).rejects.toThrow('no store')
  })
})

describe('outcomes', () => {
  const outcome: Outcome = {
    status: 'converted',
    contentKey: 'c',
    file: 'dm.csv',
    rowsIn: 3,
    rowsOut: 3,
    rowsRejected: 0,
    valuesNulled: 1,
    problems: [{ code: 'value', message: 'was no number', file: 'dm.csv', row: 2 }],
    sha256: 'abc',
    csvBytes: 10,
    parquetBytes: 20,
    entities: [{ entity: 'patient', distinct: 3, nullRows: 0 }],
  }
  const of = { study: 's01', dataset: 'dm', contentKey: 'c' }

  it('are read as they were written', async () => {
    const lake = memoryStore()
    expect(await readOutcome(lake, of)).toBeUndefined()
    await writeOutcome(lake, { study: 's01', dataset: 'dm', outcome })
    expect(await readOutcome(lake, of)).toEqual(outcome)
    expect(warningsOf([{ outcome }])).toEqual(outcome.problems)
  })

  it('are named when they cannot be read, and fail with their store', async () => {
    const lake = memoryStore({ objects: { [outcomeKey('s01', 'raw', 'dm', 'c')]: '{' } })
    await expect(readOutcome(lake, of)).rejects.toThrow('c.outcome.json is not valid JSON')
    const failing = { ...lake, get: () => Promise.reject(new TransientError('no store')) }
    await expect(readOutcome(failing, of)).rejects.toThrow('no store')
  })
})

describe('reports', () => {
  const content = {
    study: 's01',
    version: 'v1',
    status: 'waiting' as const,
    datasets: [],
    entities: [],
    waitingFor: ['dm.csv'],
    problems: [],
    warnings: [],
  }
  let time = 0
  const nextSecond = () => {
    time += 1000
    return new Date(time)
  }
  const environment = (landing = memoryStore()) => ({ landing, now: nextSecond })

  it('are written once for one substance, and dated then', async () => {
    const to = environment()
    const first = await writeReport(to, content, new Date(time))
    expect(first.seconds).toBe(1)
    expect(await writeReport(to, content, undefined)).toEqual(first)
    const second = await writeReport(to, { ...content, waitingFor: [] }, undefined)
    expect(second.time).not.toBe(first.time)
    expect(second.seconds).toBeUndefined()
    expect(await readReport(to, 's01', 'v1')).toEqual(JSON.parse(JSON.stringify(second)))
    expect(to.landing.calls.filter(({ method }) => method === 'put')).toHaveLength(2)
  })

  it.each(['', '{"study": 7}', 'P1 is ill'])('what is none counts as none: %s', async text => {
    const to = environment(memoryStore({ objects: { [reportKey('s01', 'v1')]: text } }))
    expect(await readReport(to, 's01', 'v1')).toBeUndefined()
    await writeReport(to, content, undefined)
    expect(await readReport(to, 's01', 'v1')).toMatchObject({ status: 'waiting' })
  })

  it('fail with their store', async () => {
    const failing = { ...memoryStore(), get: () => Promise.reject(new TransientError('no store')) }
    await expect(readReport({ landing: failing }, 's01', 'v1')).rejects.toThrow('no store')
  })
})

it('a data file that is recorded and not there is named', async () => {
  await expect(describeDataFile({ lake: memoryStore() }, { key: 'data/x.parquet', fields: [] })).rejects.toThrow(
    'data/x.parquet is not in the lake',
  )
})

it('the schedule looks after one interval and two, then ever more rarely, and never stops', () => {
  const interval = 300
  const due = Array.from({ length: 40 }, (_, tick) => tick).filter(tick => isSweepDue(tick * interval + 7, interval))
  expect(due).toEqual([1, 2, 4, 8, 16, 32])
  // Ticks that are not on time miss no look but for their own delay.
  fc.assert(
    fc.property(fc.integer({ min: 0, max: interval - 1 }), offset => {
      const ages = Array.from({ length: 64 }, (_, tick) => tick * interval + offset)
      expect(ages.filter(age => isSweepDue(age, interval))).toHaveLength(6)
    }),
  )
})
