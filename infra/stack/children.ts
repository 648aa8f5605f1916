import { execFileSync } from 'node:child_process'

/** The processes that a process has started. Of an emulator's: the functions that are warm. */
export function listChildren(parent: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='])
    .toString()
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .filter(([, of]) => of === parent)
    .map(([pid]) => pid!)
}
