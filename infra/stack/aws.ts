import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'

/** How a client of ours reaches a server that speaks AWS's protocols. */
export interface AwsAccess {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

const configure = ({ endpoint, region, accessKeyId, secretAccessKey }: AwsAccess) => ({
  endpoint,
  region,
  credentials: { accessKeyId, secretAccessKey },
})

/** A client of S3 that names buckets in the path: a server on loopback has no names for them. */
export const createS3Client = (access: AwsAccess): S3Client =>
  new S3Client({ ...configure(access), forcePathStyle: true })

export const createSqsClient = (access: AwsAccess): SQSClient => new SQSClient(configure(access))

/** The variables by which AWS's own programs and functions reach the server. */
export const toVariables = ({ endpoint, region, accessKeyId, secretAccessKey }: AwsAccess): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
})
