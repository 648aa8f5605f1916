import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')

it('cdk synth works from the sources, with no credentials, no account and nowhere to ask', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'studylake-synth-'))
  try {
    const nowhere = 'http://127.0.0.1:9'
    const { stdout, stderr } = await run(
      process.execPath,
      [join(root, 'bin', 'with-node.mjs'), 'aws-cdk', 'synth', '--output', join(folder, 'cdk.out'), '--no-notices'],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          AWS_EC2_METADATA_DISABLED: 'true',
          CDK_DISABLE_CLI_TELEMETRY: 'true',
          HTTP_PROXY: nowhere,
          HTTPS_PROXY: nowhere,
        },
      },
    )
    expect(stdout).toContain('AWS::Lambda::Function')
    // Bundle sizes.
    expect(stderr).toMatch(/^convert: \d+ KiB$/m)
    const files = await readdir(join(folder, 'cdk.out'))
    expect(files.filter(file => file.startsWith('asset.'))).toHaveLength(8)
    const manifest = await readFile(join(folder, 'cdk.out', 'manifest.json'), 'utf8')
    expect((JSON.parse(manifest) as { missing?: unknown }).missing).toBeUndefined()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
