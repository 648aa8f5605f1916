import { queueVariables } from '../../lib/config.ts'
import type { Queues } from '../../lib/environment.ts'
import type { Outputs } from './deploy.ts'

/** The functions with a URL, by the name that they have at the door, and the output that has it. */
const urlOutputs = { check: 'CheckUrl', bridge: 'BridgeUrl', catalog: 'CatalogUrl' } as const

/** The URLs of the deployed functions; those that the deployment does not have are left out. */
export function findFunctionUrls(outputs: Outputs): Record<string, URL> {
  const found = Object.entries(urlOutputs).filter(([, output]) => outputs[output])
  return Object.fromEntries(found.map(([name, output]) => [name, new URL(outputs[output]!)]))
}

/** The URLs of the queues as we reach them: an emulator may name a host of its own. Throws an Error that names what is missing. */
export function findQueueUrls(outputs: Outputs, endpoint: string): Record<keyof Queues, string> {
  const entries = (Object.keys(queueVariables) as (keyof Queues)[]).map(source => {
    const output = `${source[0]!.toUpperCase()}${source.slice(1)}QueueUrl`
    const url = outputs[output]
    if (!url) throw new Error(`the deployment has no output ${output}`)
    return [source, new URL(new URL(url).pathname, endpoint).href]
  })
  return Object.fromEntries(entries) as Record<keyof Queues, string>
}
