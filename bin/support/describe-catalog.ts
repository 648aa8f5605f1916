import { join } from 'node:path'
import { catalogAddress } from '../../infra/local/buckets.ts'
import type { Platform } from '../../infra/local/platform.ts'
import { settingsFile } from '../../infra/local/settings.ts'
import { showPath } from './paths.ts'

/** How SQL clients find the catalog of a running platform, in lines. */
export function describeCatalog({ settings }: Pick<Platform, 'settings'>, data: string): string[] {
  return [
    'Every version as Iceberg tables, <study>@<branch, tag or commit>.<layer>.<dataset>, over the REST protocol:',
    `  uri    ${catalogAddress(settings)}`,
    `  token  "catalogToken" in ${showPath(join(data, settingsFile))}`,
    'SQL engines cannot read data files in a folder: for Trino and its kind there is "npm run stack".',
  ]
}
