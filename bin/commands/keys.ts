import { readFileSync } from 'node:fs'
import type { Entity } from '../../lib/keys/entities.ts'
import { addKeysToFile } from '../support/add-keys-to-file.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, exitCodes, UsageError } from '../support/failure.ts'
import { count } from '../support/output.ts'
import { resolveFromUser, showPath } from '../support/paths.ts'

const example = 'patient=USUBJID,visit=USUBJID+VISITNUM'

/** `patient=USUBJID,visit=USUBJID+VISITNUM`. Throws UsageError. */
function parseEntities(text: string): Entity[] {
  const entities = text.split(',').map((item): Entity => {
    const [name = '', columns = '', ...rest] = item.split('=').map(part => part.trim())
    const naturalKey = columns.split('+').map(column => column.trim())
    if (rest.length > 0 || naturalKey.includes(''))
      throw new UsageError(
        `--entity ${JSON.stringify(item)} does not name an entity and its columns, as ${example} does`,
      )
    if (!/^[a-z][a-z0-9_]{0,59}$/.test(name))
      throw new UsageError(
        `entity ${JSON.stringify(name)} does not fit: up to 60 lower-case letters, digits and underscores, a letter first`,
      )
    if (new Set(naturalKey.map(column => column.toLowerCase())).size < naturalKey.length)
      throw new UsageError(`--entity ${JSON.stringify(item)} names a column twice`)
    return { name, naturalKey, required: false }
  })
  const twice = entities.find(({ name }, at) => entities.findIndex(entity => entity.name === name) < at)
  if (twice) throw new UsageError(`--entity names ${twice.name} twice`)
  return entities
}

async function readOptions(path: string): Promise<Entity[] | undefined> {
  const { parseStudyOptions } = await import('../../lib/study-options.ts')
  let text: Uint8Array
  try {
    text = readFileSync(path)
  } catch (cause) {
    throw new CommandError(`${showPath(path)} cannot be read: ${(cause as Error).message}`, { cause })
  }
  return parseStudyOptions(text).entities
}

export default defineStudyCommand({
  name: 'keys',
  description:
    'Add surrogate keys to a Parquet file: its bytes, key columns behind them, a new footer. Needs no platform',
  args: {
    raw: { type: 'positional', required: true, description: 'The Parquet file with the natural keys' },
    out: { type: 'string', required: true, valueHint: 'FILE', description: 'Where the file with the keys goes' },
    keys: {
      type: 'string',
      valueHint: 'FILE',
      description: 'The map of natural to surrogate keys: read, extended, written',
    },
    entity: {
      type: 'string',
      valueHint: 'LIST',
      description: `Entities with the columns of their natural keys: ${example}`,
    },
    options: { type: 'string', valueHint: 'FILE', description: 'Take the entities from this study.json' },
  },
  async run({ args, output }) {
    if (args.entity !== undefined && args.options !== undefined)
      throw new UsageError('--entity and --options both name entities; give one of them')
    const raw = resolveFromUser(args.raw)
    const base = resolveFromUser(args.out)
    const map = args.keys === undefined ? undefined : resolveFromUser(args.keys)
    const entities =
      args.entity !== undefined
        ? parseEntities(args.entity)
        : args.options !== undefined
          ? await readOptions(resolveFromUser(args.options))
          : undefined
    const report = await addKeysToFile({ raw, base, map, entities })
    output.document({ raw, base, ...(map !== undefined && { map }), ...report })
    output.line(`${showPath(base)}: ${count(report.rows, 'row')}`)
    for (const { column, naturalKey, known, added, nullRows } of report.keys) {
      const nulls = nullRows === 0 ? '' : `, null in ${count(nullRows, 'row')}`
      const before = map === undefined ? '' : `, ${count(known, 'key')} known before`
      output.line(`  ${column}, by ${naturalKey.join(', ')}: ${count(added, 'new key')}${before}${nulls}`)
    }
    if (map === undefined)
      output.line(
        'The keys are those of this file only. With --keys FILE they are kept for the files that come after it.',
      )
    else output.line(`The keys are kept in ${showPath(map)}.`)
    return exitCodes.done
  },
})
