import { z } from 'zod'
import { secretVariables } from './config.ts'
import { parseJson } from './json.ts'

type Variables = Record<string, string | undefined>

const keyPair = z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) })

/** True where a variable names a secret: its value may change while the variables stay. */
export const namesSecrets = (environment: Variables): boolean =>
  Object.keys(secretVariables).some(name => environment[name])

/**
 * The variables, completed by the secrets that they name. `readSecret` gives the text of one, by its ARN or name. A variable that is set
 * directly wins. Throws an Error that names the variable where a secret is not of the expected form, and what `readSecret` throws.
 */
export async function fillSecrets(
  environment: Variables,
  readSecret: (id: string) => Promise<string>,
): Promise<Variables> {
  const filled = { ...environment }
  for (const [variable, names] of Object.entries(secretVariables)) {
    const id = environment[variable]
    if (!id || names.every(name => environment[name])) continue
    const text = await readSecret(id)
    const values = names.length === 1 ? [text] : parseKeyPair(variable, text)
    for (const [at, name] of names.entries()) filled[name] ||= values[at]
  }
  return filled
}

function parseKeyPair(variable: string, text: string): string[] {
  try {
    const { accessKeyId, secretAccessKey } = keyPair.parse(parseJson(text, 'the secret'))
    return [accessKeyId, secretAccessKey]
  } catch {
    // The cause is left out: it may quote the secret.
    throw new Error(
      `configuration: the secret that ${variable} names is not JSON with "accessKeyId" and "secretAccessKey"`,
    )
  }
}
