// Finds a Node that can run the TypeScript sources. Plain JavaScript, and only what Node 18 knows: this file is what an old Node reads.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldest = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** True where this process can run the sources itself. */
export function isRecentEnough(version = process.versions.node) {
  return Number(version.split('.')[0]) >= oldest
}

/** The path of the Node that `npm install` brought along, or undefined. */
export function findBundledNode(folder = root) {
  const bin = process.platform === 'win32' ? 'node.exe' : 'node'
  const candidates = [join(folder, 'node_modules', 'node', 'bin', bin), join(folder, 'node_modules', '.bin', bin)]
  return candidates.find(path => existsSync(path))
}

/** Runs Node with the given arguments in place of this process: same terminal, same signals, same exit code. */
export function runNode(args) {
  const node = isRecentEnough() ? process.execPath : findBundledNode()
  if (!node) {
    console.error(
      `studylake: needs Node ${oldest} or newer, this is ${process.versions.node}, and none was installed beside the project.\n` +
        `Run "npm install --include=optional" (it brings Node ${oldest} along), or install Node ${oldest} from https://nodejs.org.`,
    )
    process.exit(2)
  }
  const child = spawn(node, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    console.error(`studylake: cannot start ${node}: ${error.message}`)
    process.exit(2)
  })
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exit(code ?? 1)
  })
}

export { root }
