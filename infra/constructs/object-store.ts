import { Duration, type RemovalPolicy } from 'aws-cdk-lib'
import { Grant } from 'aws-cdk-lib/aws-iam'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { NagSuppressions } from 'cdk-nag'
import { Construct } from 'constructs'
import type { NodeFunction } from './node-function.ts'

export interface StoreProps {
  /** An existing bucket. */
  existing?: string
  /** Of the bucket that is made; without it CloudFormation invents one. */
  newName?: string
  /** The bucket is none of S3: nothing is made and nothing granted, a key of its own opens it. */
  foreign: boolean
  /** Objects keep their earlier versions. */
  versioned: boolean
  removalPolicy: RemovalPolicy
  /** Objects under a prefix that S3 itself removes when they are old. */
  expire?: { id: string; prefix: string; days: number }[]
}

/** Which keys a function may read, put and list. */
export interface Access {
  /** Patterns of keys: `data/*`. */
  read?: string[]
  put?: string[]
}

/** One bucket: made here (encrypted, private, TLS only), or an existing one. Nobody is ever granted to delete from it. */
export class Store extends Construct {
  readonly bucketName: string
  /** Undefined where the bucket is none of S3. */
  readonly bucket: IBucket | undefined
  /** Undefined where the bucket was there before. */
  readonly made: Bucket | undefined

  constructor(
    scope: Construct,
    id: string,
    { existing, newName, foreign, versioned, removalPolicy, expire = [] }: StoreProps,
  ) {
    super(scope, id)
    if (existing !== undefined) {
      this.bucketName = existing
      this.bucket = foreign ? undefined : Bucket.fromBucketName(this, 'Bucket', existing)
      return
    }
    this.made = new Bucket(this, 'Bucket', {
      bucketName: newName,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      versioned,
      lifecycleRules: [
        { id: 'incomplete-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        ...expire.map(({ id, prefix, days }) => ({ id, prefix, expiration: Duration.days(days) })),
      ],
      removalPolicy,
    })
    this.bucket = this.made
    this.bucketName = this.made.bucketName
    NagSuppressions.addResourceSuppressions(this.made, [
      {
        id: 'AwsSolutions-S1',
        reason:
          'Who read what is a matter of the account’s CloudTrail data events, which need no bucket of ours to write to.',
      },
    ])
  }

  /** Grants a function just these keys. Listing is granted with reading: without it S3 answers 403 for an object that is not there. */
  grant(grantee: NodeFunction, { read = [], put = [] }: Access): void {
    if (!this.bucket) return
    const { bucket } = this
    const add = (actions: string[], resourceArns: string[]) => {
      if (resourceArns.length > 0) Grant.addToPrincipal({ grantee: grantee.function, actions, resourceArns })
    }
    add(
      ['s3:GetObject'],
      read.map(keys => bucket.arnForObjects(keys)),
    )
    add(['s3:ListBucket'], read.length > 0 ? [bucket.bucketArn] : [])
    add(
      ['s3:PutObject', 's3:AbortMultipartUpload'],
      put.map(keys => bucket.arnForObjects(keys)),
    )
    const patterns = [...new Set([...read, ...put])].map(keys => keys.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    grantee.suppress(
      'The wildcard stands for the keys of objects, in the one bucket and under the prefix that the function works with.',
      [{ regex: `/^Resource::[^*]*\\/(${patterns.join('|')})$/` }],
    )
  }
}
