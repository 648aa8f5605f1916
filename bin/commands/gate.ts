import { type CommandDef, defineCommand } from 'citty'
import type { Environment } from '../../lib/environment.ts'
import { installGates } from '../../lib/gate/install.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, exitCodes, UsageError } from '../support/failure.ts'
import { count, formatTable } from '../support/output.ts'
import { withSession } from '../support/session.ts'
import { checkStudy } from '../support/study-folder.ts'

/** Calls `work` with a data directory's environment, or with `aws` that of the deployment which the environment's variables name. */
async function withEnvironment<Result>(
  { data, aws }: { data: string; aws: boolean },
  work: (environment: Environment) => Promise<Result>,
): Promise<Result> {
  if (!aws) return withSession({ data, command: 'gate', create: false }, ({ environment }) => work(environment))
  const { readEnvironment, readSecrets } = await import('../../functions/from-process.ts')
  return work(await readEnvironment(await readSecrets(process.env), { sections: ['lakefs', 'gateUrl'] }))
}

const install = defineStudyCommand({
  name: 'gate install',
  description: "Bring every branch's action file, by which lakeFS calls the gate, up to date, and protect the branches",
  args: {
    study: { type: 'positional', required: true, description: 'The study' },
    aws: {
      type: 'boolean',
      default: false,
      description: 'Of a deployment: LAKEFS_ENDPOINT, GATE_URL, LAKE_BUCKET, LAKEFS_SECRET_ARN and so on say where',
    },
  },
  async run({ args, data, output }) {
    const study = checkStudy(args.study)
    return withEnvironment({ data, aws: args.aws }, async environment => {
      const done = await installGates(environment, study)
      if (!done) throw new CommandError(`there is no study ${JSON.stringify(study)}`)
      output.document({ study, ...done })
      const lines = formatTable(
        [{ title: 'branch' }, { title: 'gate' }, { title: '' }],
        done.branches.map(({ branch, state, reason = '' }) => [branch, state, reason]),
      )
      for (const line of lines) output.line(line)
      output.line()
      output.line(done.protection === 'updated' ? 'Branches are protected now.' : 'Branches are protected.')
      const failed = done.branches.filter(({ state }) => state === 'failed')
      if (failed.length === 0) return exitCodes.done
      output.line(`${count(failed.length, 'branch', 'branches')} could not be brought up to date.`)
      return exitCodes.refused
    })
  },
})

const actions: Record<string, CommandDef> = { install }

export default defineCommand({
  meta: { name: 'gate', description: 'Look after the gate that judges every commit and merge' },
  subCommands: actions,
  setup({ rawArgs: [action] }) {
    if (action === undefined || !Object.hasOwn(actions, action))
      throw new UsageError(`gate: ${action === undefined ? 'which' : JSON.stringify(action)}? There is install`)
  },
})
