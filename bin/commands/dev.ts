import { join } from 'node:path'
import { catalogAddress } from '../../infra/local/buckets.ts'
import { openPlatform } from '../../infra/local/platform.ts'
import { defineStudyCommand } from '../support/define.ts'
import { describeCatalog } from '../support/describe-catalog.ts'
import { commandLine, showPath } from '../support/paths.ts'
import { stayUp } from '../support/stay-up.ts'

export default defineStudyCommand({
  name: 'dev',
  description: 'Keep the platform running: whatever is put into the landing folder is loaded',
  args: {},
  async run({ data, output }) {
    const platform = await openPlatform({ folder: data, command: 'dev' })
    const { endpoint } = platform.environment.config.lakefs
    const landing = join(data, 'landing')
    const catalog = catalogAddress(platform.settings)
    output.document({ folder: data, landing, lakefs: endpoint, catalog, pid: process.pid })
    output.line(`Studylake is running in ${showPath(data)}.`)
    output.line()
    output.line(`  landing folder  ${showPath(landing)}/<study>/<version>/*.csv`)
    output.line(`  lakeFS API      ${endpoint}  (access keys in ${showPath(join(data, 'platform.json'))})`)
    output.line(`  log             ${showPath(join(data, 'studylake.log'))}`)
    output.line()
    for (const line of describeCatalog(platform, data)) output.line(line)
    output.line()
    output.line('In another terminal:')
    output.line(`  ${commandLine('upload FOLDER --study S --version V', { data })}`)
    output.line(`  ${commandLine('status', { data })}`)
    output.line()
    output.line('Ctrl-C stops it. What is under way then goes on at the next start.')
    return stayUp(platform, output)
  },
})
