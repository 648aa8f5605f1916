import { isAttested } from '../../lib/gate/attest.ts'
import { checkRef } from '../../lib/gate/check-ref.ts'
import { profileOf } from '../../lib/gate/profile.ts'
import { defineStudyCommand } from '../support/define.ts'
import { exitCodes } from '../support/failure.ts'
import { count } from '../support/output.ts'
import { formatProblems, shortCommit } from '../support/print-report.ts'
import { parseStudyRef, resolveRef } from '../support/refs.ts'
import { withSession } from '../support/session.ts'

export default defineStudyCommand({
  name: 'check',
  description: "Judge a commit by the gate's rules: contents, schema, files, rows and keys agree",
  args: { at: { type: 'positional', required: true, valueHint: 'STUDY@REF', description: 'as in ilms@v1' } },
  async run({ args, data, output }) {
    const { study, ref } = parseStudyRef(args.at)
    return withSession({ data, command: 'check', create: false }, async ({ environment }) => {
      const commit = await resolveRef(environment, study, ref)
      output.progress(`checking ${study}@${ref} …`)
      const branch = (await environment.lakefs.getBranch(study, ref))?.id
      const profile = await profileOf(environment, { study, branch, commit: commit.id })
      const { problems, tables } = await checkRef(environment, study, commit.id, { profile })
      const attested = await isAttested(environment, { study, commit: commit.id, profile })
      const accepted = problems.length === 0
      output.document({ study, ref, commit: commit.id, profile, accepted, attested, tables, problems })
      const rules = profile === 'full' ? '' : ', by the rules of structure'
      if (!attested)
        output.line('UNATTESTED: no gate has let this commit pass. It is judged before anybody is served it.')
      const subject = `${study}@${ref} (commit ${shortCommit(commit.id)}, ${count(tables, 'table')}${rules})`
      if (accepted) {
        output.line(`${subject}: schema and data agree.`)
        return exitCodes.done
      }
      output.line(`${subject}: ${count(problems.length, 'disagreement')}`)
      output.line()
      for (const line of formatProblems(problems)) output.line(line)
      return exitCodes.refused
    })
  },
})
