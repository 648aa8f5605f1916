import { spawnSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What one process cost. Seconds and bytes; `peak` is of resident memory, `written` of the file. */
export interface Cost {
  wall: number
  cpu: number
  peak: number
  written: number
}

export interface Contender {
  name: string
  /** The command that writes `out`. */
  command: (out: string) => string[]
}

export interface CaseResult {
  name: string
  costs: { contender: string; cost: Cost; ratios: Pick<Cost, 'wall' | 'cpu' | 'peak'> }[]
}

const measureScript = join(import.meta.dirname, 'measure.py')

/** Runs a command on the given cores, and tells what it cost. Throws with what it printed where it fails. */
export function measureOnce({
  python,
  command,
  cores,
  out,
}: {
  python: string
  command: string[]
  cores: number[]
  out: string
}): Cost {
  rmSync(out, { force: true })
  const { status, stdout, stderr } = spawnSync(python, [measureScript], { input: JSON.stringify({ command, cores }) })
  const result = status === 0 ? JSON.parse(stdout.toString()) : undefined
  if (result?.code !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`)
  return { wall: result.wall, cpu: result.user + result.system, peak: result.peak, written: statSync(out).size }
}

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/**
 * Runs the contenders in turn, the first again and again between the others (A B A C …), one round after the other. Costs are medians; the
 * ratios of a contender are the medians over the rounds of the first one's cost beside it to its own.
 */
export function compare({
  name,
  contenders,
  rounds,
  cores,
  python,
  folder,
  onOutput,
}: {
  name: string
  contenders: [Contender, ...Contender[]]
  rounds: number
  cores: number[]
  python: string
  folder: string
  /** Looks at what the first contender has written, once. */
  onOutput: (out: string) => void
}): CaseResult {
  const [ours, ...others] = contenders
  const run = (contender: Contender): Cost => {
    const out = join(folder, `${contender.name}.parquet`)
    return measureOnce({ python, command: contender.command(out), cores, out })
  }
  // What is read and loaded for the first time is not measured.
  run(ours)
  onOutput(join(folder, `${ours.name}.parquet`))
  for (const other of others) run(other)
  const own: Cost[] = []
  const costs = new Map<Contender, { cost: Cost; beside: Cost }[]>(others.map(other => [other, []]))
  for (let round = 0; round < rounds; round++) {
    for (const other of others) {
      const beside = run(ours)
      own.push(beside)
      costs.get(other)!.push({ cost: run(other), beside })
    }
  }
  const middle = (all: Cost[]): Cost => ({
    wall: median(all.map(({ wall }) => wall)),
    cpu: median(all.map(({ cpu }) => cpu)),
    peak: median(all.map(({ peak }) => peak)),
    written: median(all.map(({ written }) => written)),
  })
  return {
    name,
    costs: [
      { contender: ours.name, cost: middle(own), ratios: { wall: 1, cpu: 1, peak: 1 } },
      ...others.map(other => {
        const pairs = costs.get(other)!
        const ratio = (of: 'wall' | 'cpu' | 'peak') => median(pairs.map(({ cost, beside }) => beside[of] / cost[of]))
        return {
          contender: other.name,
          cost: middle(pairs.map(({ cost }) => cost)),
          ratios: { wall: ratio('wall'), cpu: ratio('cpu'), peak: ratio('peak') },
        }
      }),
    ],
  }
}
