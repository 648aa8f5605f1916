import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll } from 'vitest'
import { createDirectoryStore } from '../../lib/store/directory.ts'
import { createS3Store } from '../../lib/store/s3.ts'
import { memoryStore } from '../support/memory-store.ts'
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

// The SDK reads the same variables; the one of the service lets S3 alone be another server: MinIO, which keeps keys as paths of a disk.
const endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
const client = endpoint ? new S3Client({ forcePathStyle: true }) : undefined
let buckets = 0

testObjectStore(`S3${endpoint ? '' : ' (needs AWS_ENDPOINT_URL)'}`, {
  create: client && createBucket,
  anyKey: process.env.AWS_ENDPOINT_URL_S3 === undefined,
})

async function createBucket() {
  const bucket = `contract-${process.pid}-${Date.now()}-${buckets++}`
  await client!.send(new CreateBucketCommand({ Bucket: bucket }))
  return createS3Store({ client: client!, bucket, copyPartSize: 5 * 1024 * 1024 })
}
