import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Aspects } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { afterAll } from 'vitest'
import { type Bundles, bundleFunctions } from '../../infra/bundle.ts'
import { readSettings } from '../../infra/settings.ts'
import { StudylakeStack } from '../../infra/studylake-stack.ts'

const { context: flags } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')) as {
  context: Record<string, unknown>
}

export interface Resource {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: what CloudFormation allows here has no common type
  Properties: Record<string, any>
  DeletionPolicy?: string
}

export interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
}

export const asList = <Item>(value: Item | Item[]): Item[] => (Array.isArray(value) ? value : [value])

export interface Synthesised {
  app: App
  stack: StudylakeStack
  template: Template
  /** The whole template, as text. */
  text: string
  /** Logical id and resource. */
  resources(type: string): [string, Resource][]
  /** What the role of the function with this construct id may do. */
  statements(functionId: string): Statement[]
  /** Variables of that function. */
  variables(functionId: string): Record<string, unknown>
}

const folder = mkdtempSync(join(tmpdir(), 'studylake-infra-test-'))
const bundles: Promise<Bundles> = bundleFunctions({ bundleSdk: false, out: join(folder, 'bundles') })
let apps = 0
afterAll(async () => {
  await bundles
  await rm(folder, { recursive: true, force: true })
})

/** The bundles of this test file. */
export const readBundles = (): Promise<Bundles> => bundles

/** The stack as `cdk synth -c name=value` makes it, without a cloud to ask; with `nag` after cdk-nag has gone through it. */
export async function synthesise(
  context: Record<string, unknown> = {},
  { nag = false }: { nag?: boolean } = {},
): Promise<Synthesised> {
  const app = new App({ context: { ...flags, ...context }, outdir: join(folder, `cdk.out.${++apps}`) })
  const settings = readSettings(name => app.node.tryGetContext(name))
  const stack = new StudylakeStack(app, settings.stackName, { settings, bundles: await bundles })
  if (nag) Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true }))
  const template = Template.fromStack(stack)
  const all = Object.entries((template.toJSON().Resources ?? {}) as Record<string, Resource>)
  const resources = (type: string) => all.filter(([, resource]) => resource.Type === type)
  const functionOf = (id: string): Resource => {
    const found = resources('AWS::Lambda::Function').find(([logicalId]) => logicalId.startsWith(`${id}Function`))
    if (!found) throw new Error(`there is no function ${id}`)
    return found[1]
  }
  return {
    app,
    stack,
    template,
    text: JSON.stringify(template.toJSON()),
    resources,
    statements(id) {
      const role = functionOf(id).Properties.Role['Fn::GetAtt'][0] as string
      return resources('AWS::IAM::Policy')
        .filter(([, { Properties }]) => Properties.Roles.some((item: { Ref: string }) => item.Ref === role))
        .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[])
    },
    variables: id => functionOf(id).Properties.Environment.Variables,
  }
}

/** The functions that a queue feeds, by construct id. */
export const queueFed = ['Receive', 'Convert', 'Register', 'AssignKeys', 'AddKeys', 'Commit']
