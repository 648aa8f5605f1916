import { describe, expect, it } from 'vitest'
import { Rejection } from '../../lib/errors.ts'
import { parseStudyOptions } from '../../lib/study-options.ts'

const problemsOf = (text: string) => {
  try {
    parseStudyOptions(text)
  } catch (error) {
    if (error instanceof Rejection) return error.problems
    throw error
  }
  return []
}

it('without study.json, and with an empty one, all is as usual', () => {
  const usual = { onBadValue: 'reject', encoding: 'utf-8', promote: false }
  expect(parseStudyOptions(undefined)).toEqual(usual)
  expect(parseStudyOptions('{}')).toEqual(usual)
})

it('reads everything', () => {
  const text = JSON.stringify({
    entities: { patient: { naturalKey: ['USUBJID'] }, lab: { naturalKey: ['LABID', 'SITE'], required: true } },
    onBadValue: 'null',
    encoding: 'latin1',
    promote: true,
  })
  expect(parseStudyOptions(text)).toEqual({
    entities: [
      { name: 'patient', naturalKey: ['USUBJID'], required: false },
      { name: 'lab', naturalKey: ['LABID', 'SITE'], required: true },
    ],
    onBadValue: 'null',
    encoding: 'latin1',
    promote: true,
  })
})

it('no entities is another thing than the usual ones', () => {
  expect(parseStudyOptions('{"entities": {}}').entities).toEqual([])
})

describe('rejections name the member', () => {
  it.each([
    ['{"promote": "yes"}', 'promote: '],
    ['{"promot": true}', 'promot'],
    ['{"onBadValue": "ignore"}', 'onBadValue: '],
    ['{"entities": {"patient": {"naturalKey": []}}}', 'entities.patient.naturalKey: '],
    ['{"entities": {"patient": {"naturalKey": ["A", "a"]}}}', 'a column is named twice'],
    ['{"entities": {"patient": {"naturalKey": ["First_Version"]}}}', 'first_version'],
    ['{"entities": {"Patient": {"naturalKey": ["A"]}}}', 'entities.Patient: '],
    ['{"entities": {"patient": {"naturalKey": ["A"], "key": "B"}}}', 'entities.patient: '],
    ['[]', 'the document: '],
    ['', 'is not valid JSON'],
  ])('%s', (text, expected) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ file: 'study.json', message: expect.stringContaining(expected) })
  })

  it('all at once', () => {
    expect(problemsOf('{"promote": 1, "encoding": "utf-16"}')).toHaveLength(2)
  })
})
