import { readEngineConfig } from '../lib/config.ts'
import type { Engine } from '../lib/engine/engine.ts'
import { createTrinoEngine } from '../lib/engine/trino.ts'

/** The engine beside the lake, for functions that judge commits; undefined where none is configured. Throws like readEngineConfig. */
export function openEngine(variables: Record<string, string | undefined>): Engine | undefined {
  const config = readEngineConfig(variables)
  if (!config) return undefined
  const { catalog, names } = config
  return { sql: createTrinoEngine(config), catalog, names }
}
