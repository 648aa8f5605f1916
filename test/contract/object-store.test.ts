import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll } from 'vitest'
import { createDirectoryStore } from '../../lib/store/directory.ts'
import { createS3Store } from '../../lib/store/s3.ts'
import { memoryStore } from '../support/memory-store.ts'
import { s3Differences, s3Endpoint, s3IsMinio } from './aws-server.ts'
import { testObjectStore } from './object-store-suite.ts'

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

testObjectStore('directory', {
  async create() {
    const folder = await mkdtemp(join(tmpdir(), 'studylake-store-'))
    folders.push(folder)
    return createDirectoryStore({ folder, bucket: 'lake', now: () => new Date() })
  },
})

testObjectStore('memory', { create: async () => memoryStore() })

const client = s3Endpoint ? new S3Client({ forcePathStyle: true }) : undefined
let buckets = 0

testObjectStore(`S3${client ? '' : ' (needs AWS_ENDPOINT_URL)'}`, {
  create: client && createBucket,
  anyKey: !s3IsMinio,
  ...s3Differences,
})

async function createBucket() {
  const bucket = `contract-${process.pid}-${Date.now()}-${buckets++}`
  await client!.send(new CreateBucketCommand({ Bucket: bucket }))
  return createS3Store({ client: client!, bucket, copyPartSize: 5 * 1024 * 1024 })
}
