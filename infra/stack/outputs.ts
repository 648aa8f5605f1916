import type { Queues } from '../../lib/environment.ts'
import { queueFedFunctions } from '../local/functions.ts'

/** What the CDK app puts out, by name. */
export type Outputs = Record<string, string>

/** The functions with a URL, by the name that they have at the door, and the output that has it. */
const urlOutputs = { check: 'CheckUrl', bridge: 'BridgeUrl', catalog: 'CatalogUrl' } as const

/** The outputs of all stacks of a deployment, from the file that `cdk deploy --outputs-file` writes. */
export function parseOutputs(text: string): Outputs {
  const stacks = JSON.parse(text) as Record<string, Outputs>
  const entries = Object.values(stacks).flatMap(outputs => Object.entries(outputs))
  // CloudFormation has outputs and resources share their names; the app tells them apart so.
  return Object.fromEntries(entries.map(([name, value]) => [name.replace(/^Output/, ''), value]))
}

/** The URLs of the deployed functions; those that the deployment does not have are left out. */
export function findFunctionUrls(outputs: Outputs): Record<string, URL> {
  const found = Object.entries(urlOutputs).filter(([, output]) => outputs[output])
  return Object.fromEntries(found.map(([name, output]) => [name, new URL(outputs[output]!)]))
}

/** The URLs of the queues as we reach them: an emulator may name a host of its own. Throws an Error that names what is missing. */
export function findQueueUrls(outputs: Outputs, endpoint: string): Record<keyof Queues, string> {
  const entries = queueFedFunctions.map(({ source, handler }) => {
    const output = `${handler[0]!.toUpperCase()}${handler.slice(1)}QueueUrl`
    const url = outputs[output]
    if (!url) throw new Error(`the deployment has no output ${output}`)
    return [source, new URL(new URL(url).pathname, endpoint).href]
  })
  return Object.fromEntries(entries) as Record<keyof Queues, string>
}
