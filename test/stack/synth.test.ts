import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { plainEnvironment } from '../../infra/stack/processes.ts'
import { makeTemporaryFolder } from '../support/test-platform.ts'

const root = join(import.meta.dirname, '..', '..')

it('cdk synth needs neither credentials nor an account', async () => {
  const { folder, cleanUp } = await makeTemporaryFolder()
  try {
    const cdk = join(dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json')), 'bin', 'cdk')
    await promisify(execFile)(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', '--output', folder], {
      cwd: root,
      env: {
        ...plainEnvironment(),
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        // Nobody's credentials, and no machine to ask for some.
        HOME: join(folder, 'home'),
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
    })
    expect(await readdir(folder)).toContain('studylake.template.json')
  } finally {
    await cleanUp()
  }
})
