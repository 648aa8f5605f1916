#!/usr/bin/env node
// Runs a script, or a package's command, under a Node that is new enough: with-node.mjs vitest run, with-node.mjs test/contract/run.ts
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runNode } from './bundled-node.mjs'

const [command, ...args] = process.argv.slice(2)
if (!command) {
  console.error('usage: with-node.mjs SCRIPT|PACKAGE [ARGUMENT …]')
  process.exit(2)
}

function entryOf(name) {
  const script = join(root, name)
  if (existsSync(script) && /\.(ts|mjs|js)$/.test(name)) return script
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : (bin[name] ?? Object.values(bin)[0]))
}

runNode(['--disable-warning=ExperimentalWarning', entryOf(command), ...args])
