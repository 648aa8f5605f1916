/** The door as a program: door-child.ts PORT FILE. The file has the targets as JSON and is read anew for each request. */
import { readFileSync } from 'node:fs'
import { type DoorTarget, serveDoor } from './door.ts'

const [port = '8080', file = '/door/targets.json'] = process.argv.slice(2)

function readTargets(): Record<string, DoorTarget> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, DoorTarget>
  } catch {
    return {}
  }
}

await serveDoor({ host: '0.0.0.0', port: Number(port), find: name => new Map(Object.entries(readTargets())).get(name) })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
