import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { parseJson } from '../../lib/json.ts'

/** The Python that has the packages of requirements.txt; undefined outside `npm run test:interop`, where tests that need it are skipped. */
export const python = process.env.STUDYLAKE_PYTHON

/**
 * Runs a script of this folder: `input` as JSON on its standard input, its standard output read as JSON, integers exact. `lake` says which
 * folder holds which bucket. Rejects, with what the script wrote to standard error, where it fails.
 */
export async function runPython<Output>(
  script: string,
  input: unknown,
  { lake = {} }: { lake?: Record<string, string> } = {},
): Promise<Output> {
  if (!python) throw new Error('STUDYLAKE_PYTHON is not set: run npm run test:interop')
  const pairs = Object.entries(lake).map(([bucket, folder]) => `${bucket}=${folder}`)
  const child = spawn(python, [join(import.meta.dirname, script)], {
    env: {
      ...process.env,
      PYTHONPATH: import.meta.dirname,
      PYTHONDONTWRITEBYTECODE: '1',
      STUDYLAKE_LAKE: pairs.join(delimiter),
    },
  })
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', chunk => output.push(chunk))
  child.stderr.on('data', chunk => errors.push(chunk))
  child.stdin.end(JSON.stringify(input))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${Buffer.concat(errors)}`)
  return parseJson(Buffer.concat(output).toString(), `output of ${script}`) as Output
}
