/** The CDK app: `npm run synth`, `npx cdk deploy -c lakefsEndpoint=https://…`. What can be set stands in settings.ts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { bundleFunctions } from './bundle.ts'
import { readSettings } from './settings.ts'
import { StudylakeStack } from './studylake-stack.ts'

const app = new App()
const settings = readSettings(name => app.node.tryGetContext(name))
const folder = await mkdtemp(join(tmpdir(), 'studylake-bundles-'))
try {
  const bundles = await bundleFunctions({ bundleSdk: settings.bundleSdk, out: folder })
  for (const { name, bytes } of Object.values(bundles)) console.error(`${name}: ${Math.ceil(bytes / 1024)} KiB`)
  const description = 'Studylake: clinical studies as versions people can trust'
  new StudylakeStack(app, settings.stackName, { settings, bundles, description })
  // The bundles are copied while this goes on.
  app.synth()
} finally {
  await rm(folder, { recursive: true, force: true })
}
