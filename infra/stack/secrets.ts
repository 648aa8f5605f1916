import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import type { AwsAccess } from './aws.ts'
import type { LakefsAccess } from './lakefs.ts'
import type { StackSettings } from './settings.ts'

/** Puts a secret's text into Secrets Manager, whether the secret is there or not. Returns its ARN. */
async function putSecret(client: SecretsManagerClient, id: string, text: string): Promise<string> {
  const found = await client.send(new DescribeSecretCommand({ SecretId: id })).catch((error: Error) => {
    if (error.name !== 'ResourceNotFoundException') throw error
    return undefined
  })
  if (!found) {
    const { ARN } = await client.send(new CreateSecretCommand({ Name: id, SecretString: text }))
    return ARN!
  }
  await client.send(new PutSecretValueCommand({ SecretId: id, SecretString: text }))
  return found.ARN!
}

/** Puts what the functions must not find in their variables into the emulator. Returns the settings of the CDK app that name it. */
export async function putSecrets(
  access: AwsAccess,
  {
    lakefs,
    objectStore,
    settings,
  }: { lakefs: LakefsAccess; objectStore: AwsAccess | undefined; settings: StackSettings },
): Promise<Record<string, string>> {
  const { endpoint, region, accessKeyId, secretAccessKey } = access
  const client = new SecretsManagerClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } })
  const keyPair = (of: { accessKeyId: string; secretAccessKey: string }): string =>
    JSON.stringify({ accessKeyId: of.accessKeyId, secretAccessKey: of.secretAccessKey })
  try {
    return {
      lakefsSecretArn: await putSecret(client, 'studylake/lakefs', keyPair(lakefs)),
      gateTokenSecretArn: await putSecret(client, 'studylake/gate-token', settings.gateToken),
      catalogTokensSecretArn: await putSecret(
        client,
        'studylake/catalog-tokens',
        JSON.stringify([{ name: 'studylake', token: settings.catalogToken, studies: ['*'], access: 'write' }]),
      ),
      ...(objectStore && {
        objectStoreSecretArn: await putSecret(client, 'studylake/object-store', keyPair(objectStore)),
        bridgeTokenSecretArn: await putSecret(client, 'studylake/bridge-token', settings.bridgeToken),
      }),
    }
  } finally {
    client.destroy()
  }
}
