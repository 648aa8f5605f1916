import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { preparePython } from '../test/interop/python-environment.ts'
import { type CaseResult, type Contender, compare, measureOnce } from './peers/compare.ts'
import { describeFindings } from './peers/document.ts'
import { measureLimits } from './peers/limits.ts'
import { distinctText, laboratory, longText, nulls, quoted, type Shape, wide, writeShape } from './peers/shapes.ts'
import type { Benchmark } from './run.ts'

const root = join(import.meta.dirname, '..')
const scripts = join(import.meta.dirname, 'peers')
const requirements = join(scripts, 'requirements.txt')
const converters = ['pyarrow', 'polars', 'duckdb', 'pandas']
const keyMakers = ['duckdb', 'polars', 'pandas']
const entities = ['patient_key=USUBJID', 'visit_key=USUBJID,VISITNUM']

interface Plan {
  shape: Shape
  rounds: number
  cores: number[][]
}

const both = [0, 1]
const plans: Plan[] = [
  { shape: laboratory(10_000), rounds: 9, cores: [both, [0]] },
  { shape: laboratory(1_000_000), rounds: 7, cores: [both, [0]] },
  { shape: wide(30_000), rounds: 5, cores: [both] },
  { shape: longText(60_000), rounds: 5, cores: [both] },
  { shape: distinctText(500_000), rounds: 5, cores: [both] },
  { shape: quoted(800_000), rounds: 5, cores: [both] },
  { shape: nulls(1_500_000), rounds: 5, cores: [both] },
]
const largest: Plan = { shape: laboratory(10_000_000), rounds: 3, cores: [both] }

/** Throws with what the check prints where our output is not as it must be. */
function verify(python: string, args: string[]): void {
  const { status, stderr } = spawnSync(python, [join(scripts, 'verify.py'), ...args])
  if (status !== 0) throw new Error(`the output is wrong: ${stderr}`)
}

function buildOurs(): string[] {
  const { status, stderr } = spawnSync('npm', ['run', 'build'], { cwd: root })
  if (status !== 0) throw new Error(`npm run build failed: ${stderr}`)
  return [process.execPath, join(root, 'dist', 'studylake.mjs')]
}

/** Compares with other tools and writes docs/benchmarks.md; with `quick`, writes nothing and leaves out the largest file and most rounds. */
export const benchmark: Benchmark = {
  title: 'Whole processes against other tools: ratios are our cost to theirs',
  async measure({ onProgress, quick = false }) {
    const python = preparePython(onProgress, requirements)
    const ours = buildOurs()
    const folder = mkdtempSync(join(tmpdir(), 'studylake-bench-'))
    const cases: CaseResult[] = []
    const sizes: { contender: string; bytes: number }[] = []
    const limits = measureLimits()
    try {
      for (const { shape, rounds, cores } of quick ? plans : [...plans, largest]) {
        onProgress(`making ${shape.name}`)
        const { csv, contents, bytes } = await writeShape(shape, folder)
        const own: Contender = {
          name: 'studylake',
          command: out => [...ours, 'convert', csv, '--contents', contents, '--out', out],
        }
        const peer = (tool: string, codec: string[] = []): Contender => ({
          name: tool,
          command: out => [python, join(scripts, 'convert.py'), tool, csv, contents, out, ...codec],
        })
        for (const on of cores) {
          const name = `${shape.name} (${(bytes / 1e6).toFixed(0)} MB), ${on.length === 1 ? 'one core' : 'two cores'}`
          onProgress(name)
          const onOutput = (out: string) => verify(python, ['convert', csv, contents, out])
          const contenders: [Contender, ...Contender[]] = [own, ...converters.map(tool => peer(tool))]
          const common = { name, contenders, cores: on, python, folder, onOutput }
          cases.push(compare({ ...common, rounds: quick ? Math.min(3, rounds) : rounds }))
        }
        if (shape.rows !== 1_000_000) continue
        for (const contender of [own, ...converters.map(tool => peer(tool, ['zstd']))]) {
          const out = join(folder, 'size.parquet')
          const { written } = measureOnce({ python, command: contender.command(out), cores: both, out })
          sizes.push({ contender: contender.name, bytes: written })
        }
        onProgress('keys')
        const raw = join(folder, 'raw.parquet')
        measureOnce({ python, command: own.command(raw), cores: both, out: raw })
        const ourKeys: Contender = { name: 'studylake', command: out => [...ours, 'keys', raw, '--out', out] }
        const theirs = keyMakers.map(tool => ({
          name: tool,
          command: (out: string) => [python, join(scripts, 'keys.py'), tool, raw, out],
        }))
        cases.push(
          compare({
            name: 'Keys, 1,000,000 rows, two cores',
            contenders: [ourKeys, ...theirs],
            rounds: quick ? 3 : 7,
            cores: both,
            python,
            folder,
            onOutput: out => verify(python, ['keys', raw, out, ...entities]),
          }),
        )
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    const findings = { cases, limits, sizes, requirements: readFileSync(requirements, 'utf8') }
    const text = describeFindings(findings)
    if (quick) onProgress(text)
    else writeFileSync(join(root, 'docs', 'benchmarks.md'), text)
    return cases.flatMap(({ name, costs }) =>
      costs.slice(1).map(({ contender, cost, ratios }) => ({
        case: name,
        against: contender,
        'wall ratio': ratios.wall.toFixed(2),
        'CPU ratio': ratios.cpu.toFixed(2),
        'peak ratio': ratios.peak.toFixed(2),
        'bytes ratio': (costs[0]!.cost.written / cost.written).toFixed(2),
      })),
    )
  },
}
