import { RemovalPolicy } from 'aws-cdk-lib'
import { type ISecret, Secret, type SecretStringGenerator } from 'aws-cdk-lib/aws-secretsmanager'
import { NagSuppressions } from 'cdk-nag'
import type { Construct } from 'constructs'

interface SecretOptions {
  /** Complete ARN of one that was there before. */
  existing?: string
  description: string
}

function makeSecret(
  scope: Construct,
  id: string,
  { existing, description }: SecretOptions,
  { generate, reason }: { generate: SecretStringGenerator; reason: string },
): ISecret {
  if (existing !== undefined) return Secret.fromSecretCompleteArn(scope, id, existing)
  const secret = new Secret(scope, id, {
    description,
    generateSecretString: generate,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  NagSuppressions.addResourceSuppressions(secret, [{ id: 'AwsSolutions-SMG4', reason }])
  return secret
}

/** A random token that two sides share. */
export const tokenSecret = (scope: Construct, id: string, options: SecretOptions): ISecret =>
  makeSecret(scope, id, options, {
    generate: { passwordLength: 48, excludePunctuation: true },
    reason: 'The other side, lakeFS or MinIO, is told the token by hand: one that rotates by itself would lock it out.',
  })

/**
 * The tokens of the catalog. What is generated is one token for everything, which its owner replaces by a list with a token for each person and
 * program; lib/catalog/tokens.ts reads both.
 */
export const catalogTokensSecret = (scope: Construct, id: string, options: SecretOptions): ISecret =>
  makeSecret(scope, id, options, {
    generate: {
      secretStringTemplate: JSON.stringify({ name: 'owner', studies: ['*'], access: 'write' }),
      generateStringKey: 'token',
      passwordLength: 48,
      excludePunctuation: true,
    },
    reason: 'SQL engines are told their tokens by hand: one that rotates by itself would lock them out.',
  })

/** The key pair of a server that is not AWS. It is put in by hand, once; what is generated opens nothing. */
export const keyPairSecret = (scope: Construct, id: string, options: SecretOptions): ISecret =>
  makeSecret(scope, id, options, {
    generate: {
      secretStringTemplate: JSON.stringify({ accessKeyId: 'not set' }),
      generateStringKey: 'secretAccessKey',
      excludePunctuation: true,
    },
    reason: 'The key is made by a server outside of AWS, which Secrets Manager cannot ask for another.',
  })
