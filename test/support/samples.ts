import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../events/samples/', import.meta.url)

/** The names of all samples of events and messages, without `.json`. */
export const sampleNames = readdirSync(folder)
  .map(file => file.replace(/\.json$/, ''))
  .sort()

/** A sample as it comes over the wire. */
export function readSample<Event = unknown>(name: string): Event {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Event
}
