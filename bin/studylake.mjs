#!/usr/bin/env node
// The command line starts here, on any Node: the sources are TypeScript, which only a recent one runs.
import { join } from 'node:path'
import { root, runNode } from './bundled-node.mjs'

runNode(['--disable-warning=ExperimentalWarning', join(root, 'bin', 'studylake.ts'), ...process.argv.slice(2)])
