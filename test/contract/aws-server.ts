/**
 * The server of S3 and SQS that the suites run against, by the variables that the SDK reads too, and in what it is not AWS. `AWS_EMULATOR` names
 * the server; without it nothing is forgiven.
 */
import { chooseEmulator, type EmulatorKind } from '../../infra/stack/emulator.ts'

const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_SQS, AWS_EMULATOR } = process.env

/** Undefined where there is none. The one of a service lets that service alone be another server: MinIO. */
export const s3Endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL
export const sqsEndpoint = AWS_ENDPOINT_URL_SQS ?? AWS_ENDPOINT_URL
/** The server of both, which alone can announce the objects of the one on a queue of the other. */
export const bothEndpoint = AWS_ENDPOINT_URL

const emulator: EmulatorKind | undefined = AWS_EMULATOR ? chooseEmulator() : undefined
const isLocalStack = emulator === 'localstack'

/** MinIO keeps keys as paths of a disk. */
export const s3IsMinio = AWS_ENDPOINT_URL_S3 !== undefined

/** As Python's `quote` writes a key. */
const quote = (key: string): string =>
  encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/** In what the server's S3 is not S3. */
export const s3Differences =
  isLocalStack && !s3IsMinio
    ? {
        // It looks for the object, and makes it later: https://github.com/localstack/localstack, services/s3/provider.py.
        atomicUploads: false,
        // Where keys are asked for in URL encoding, it compares them in it.
        isAfter: (key: string, start: string) => quote(key) > quote(start),
      }
    : {}

/** In what the server's SQS is not SQS. */
export const sqsDifferences = isLocalStack ? { deletesByOldHandle: true } : {}
