import { contentsPath, gatePath, parseTablePath, tablesPrefix, versionPath } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import type { Profile } from './profile.ts'
import type { StudyView } from './view.ts'

/** What on a branch would be taken for a file of a table. */
const looksLikeData = /^(?:data|metadata)\/|\.(?:parquet|avro|orc|metadata\.json)$/i

/** Objects that have no place on the branch: of a version everything but its layout, of people's branches what looks like a table and is none. */
export function checkPaths({ listing }: StudyView, profile: Profile): GateProblem[] {
  const lawful = (path: string) =>
    path === gatePath || path === contentsPath || path === versionPath || parseTablePath(path) !== undefined
  return [...listing.keys()]
    .filter(path => !lawful(path))
    .flatMap((path): GateProblem[] => {
      if (path.startsWith(tablesPrefix))
        return [{ code: 'table-misplaced', message: `${path} is not the path of a table` }]
      if (looksLikeData.test(path)) {
        const message = `${path} looks like a file of a table, and no table refers to objects of a branch`
        return [{ code: 'object-stray', message }]
      }
      if (profile === 'structure') return []
      return [{ code: 'object-outside', message: `${path} is no part of a version` }]
    })
}
