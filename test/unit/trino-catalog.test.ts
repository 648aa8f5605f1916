import { expect, it } from 'vitest'
import { formatCatalogProperties, formatCreateCatalog, quoteName } from '../../lib/trino-catalog.ts'

const url = 'https://catalog.example/'

it('makes a statement in which names and values are quoted', () => {
  expect(formatCreateCatalog('my"lake', { url, token: "it's" })).toBe(
    `CREATE CATALOG IF NOT EXISTS "my""lake" USING iceberg WITH (
  "iceberg.catalog.type" = 'rest',
  "iceberg.rest-catalog.uri" = 'https://catalog.example/',
  "iceberg.rest-catalog.security" = 'OAUTH2',
  "iceberg.rest-catalog.oauth2.token" = 'it''s',
  "iceberg.rest-catalog.nested-namespace-enabled" = 'true',
  "fs.native-s3.enabled" = 'true'
)`,
  )
  expect(quoteName('dm')).toBe('"dm"')
})

it('makes the lines of a file, an object store that is not S3 with its keys', () => {
  const objectStore = {
    endpoint: 'http://minio:9000',
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  }
  expect(formatCatalogProperties({ url, token: 'token', objectStore })).toBe(
    `connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri=https://catalog.example/
iceberg.rest-catalog.security=OAUTH2
iceberg.rest-catalog.oauth2.token=token
iceberg.rest-catalog.nested-namespace-enabled=true
fs.native-s3.enabled=true
s3.endpoint=http://minio:9000
s3.path-style-access=true
s3.region=us-east-1
s3.aws-access-key=key
s3.aws-secret-key=secret
`,
  )
})
