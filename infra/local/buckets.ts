import { join } from 'node:path'
import { type CatalogConfig, type Config, readCatalogConfig, readConfig } from '../../lib/config.ts'
import { createDirectoryStore } from '../../lib/store/directory.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { type CompleteSettings, loopback, type Settings } from './settings.ts'

const landingBucket = 'landing'
const lakeBucket = 'lake'

/** The buckets of a data directory: two folders in it. */
export function openBuckets({ folder, now }: { folder: string; now: () => Date }): {
  landing: ObjectStore
  lake: ObjectStore
} {
  const open = (bucket: string): ObjectStore => createDirectoryStore({ folder: join(folder, bucket), bucket, now })
  return { landing: open(landingBucket), lake: open(lakeBucket) }
}

/** The configuration that the functions have in a data directory. */
export function configureLocal(
  { ports, lakefs, gateToken }: Settings,
  { settleSeconds, scheduleSeconds }: { settleSeconds: number; scheduleSeconds: number },
): Config {
  return readConfig({
    LANDING_BUCKET: landingBucket,
    LAKE_BUCKET: lakeBucket,
    LAKEFS_ENDPOINT: `http://${loopback}:${ports.lakefs}`,
    LAKEFS_ACCESS_KEY_ID: lakefs.accessKeyId,
    LAKEFS_SECRET_ACCESS_KEY: lakefs.secretAccessKey,
    GATE_URL: `http://${loopback}:${ports.functions}/functions/check`,
    GATE_TOKEN: gateToken,
    SETTLE_SECONDS: String(settleSeconds),
    SCHEDULE_SECONDS: String(Math.max(1, scheduleSeconds)),
  })
}

/** The configuration that the catalog has in a data directory: one token, for all that is in it. */
export function configureCatalog({ catalogToken }: CompleteSettings): CatalogConfig {
  return readCatalogConfig({
    CATALOG_TOKENS: JSON.stringify([{ name: 'studylake', token: catalogToken, studies: ['*'], access: 'write' }]),
  })
}

/** Where SQL engines find the catalog of a data directory. */
export const catalogAddress = ({ ports }: Settings): string => `http://${loopback}:${ports.functions}/functions/catalog`
