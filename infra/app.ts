/** The CDK app: `npm run synth`, `npx cdk deploy -c lakefsEndpoint=https://…`. What can be set stands in settings.ts. */
import { App } from 'aws-cdk-lib'
import { bundleFunctions } from './bundle.ts'
import { readSettings } from './settings.ts'
import { StudylakeStack } from './studylake-stack.ts'

const app = new App()
const settings = readSettings(name => app.node.tryGetContext(name))
const bundles = await bundleFunctions(settings)
for (const { name, bytes } of Object.values(bundles)) console.error(`${name}: ${Math.ceil(bytes / 1024)} KiB`)
new StudylakeStack(app, settings.stackName, {
  settings,
  bundles,
  description: 'Studylake: clinical studies as versions',
})
app.synth()
