import type { FieldType } from './body-parts.ts'

const temporal = ['timestamp', 'timestamptz']
const dated = ['date', ...temporal]
const truncatable = ['int', 'long', 'string', 'binary', 'decimal']
const bucketed = [...truncatable, ...dated, 'time', 'uuid', 'fixed']

// Spec, "Partition Transforms": which source types each takes.
const plain = new Map<string, string[] | 'any primitive' | 'anything'>([
  ['identity', 'any primitive'],
  ['year', dated],
  ['month', dated],
  ['day', dated],
  ['hour', temporal],
  ['void', 'anything'],
])
const parametrised = new Map([
  ['bucket', bucketed],
  ['truncate', truncatable],
])

/** A transform of a partition or sort field. */
export interface Transform {
  /** As the spec writes it: `bucket[16]`. */
  name: string
  takes(type: FieldType): boolean
}

/** Reads a transform's name, in any case; undefined where the spec has none of that name. */
export function parseTransform(text: string): Transform | undefined {
  const name = text.toLowerCase()
  const sources = plain.get(name) ?? parametrised.get(/^([a-z]+)\[0*[1-9]\d{0,8}\]$/.exec(name)?.[1] ?? '')
  if (!sources) return undefined
  return {
    name: name.replace(/\[0+/, '['),
    takes: type => {
      if (sources === 'anything') return true
      if (typeof type !== 'string') return false
      return sources === 'any primitive' || sources.includes(/^[a-z]+/.exec(type)?.[0] ?? '')
    },
  }
}
