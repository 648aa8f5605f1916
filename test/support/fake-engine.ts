import type { Engine, EngineNames } from '../../lib/engine/engine.ts'
import { EngineError } from '../../lib/engine/engine.ts'

/** Columns of a table as an engine states them: name and type. */
export type StatedColumns = [name: string, type: string][]

export interface FakeEngine {
  engine: Engine
  /** What is registered: by schema and table. A test changes it as it likes. */
  registered: Record<string, Record<string, StatedColumns>>
  /** Statements that were asked. */
  asked: string[]
  /** How many of the next statements are not answered. */
  down: number
}

export const usualNames: EngineNames = {
  schema: '{study}__{version}',
  table: '{layer}_{dataset}',
  layers: ['raw', 'base', 'keys'],
}

/** An engine that knows information_schema.columns and nothing else: any other statement is an error. */
export function makeFakeEngine(names: EngineNames = usualNames): FakeEngine {
  const fake: FakeEngine = {
    registered: {},
    asked: [],
    down: 0,
    engine: {
      catalog: 'hive',
      names,
      sql: {
        async query(statement) {
          fake.asked.push(statement)
          if (fake.down > 0) {
            fake.down--
            throw new EngineError('the SQL engine at engine.example does not answer')
          }
          const [, schema, , list] =
            /^SELECT table_name, column_name, ordinal_position, data_type FROM "hive"\.information_schema\.columns WHERE table_schema = '([^']*)'( AND table_name IN \((.*)\))?$/.exec(
              statement,
            )!
          const tables = Object.entries(fake.registered[schema!] ?? {})
          const named = tables.filter(([name]) => list === undefined || list.includes(`'${name}'`))
          return named.flatMap(([table, columns]) =>
            columns.map(([name, type], at) => [table, name.toLowerCase(), at + 1, type]),
          )
        },
      },
    },
  }
  return fake
}
