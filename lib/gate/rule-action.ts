import { parse, stringify } from 'yaml'
import type { Environment } from '../environment.ts'
import { formatGateAction } from '../gate-action.ts'
import { sha256 } from '../hash.ts'
import { gatePath } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import type { StudyView } from './view.ts'

/** The URL that an action calls, or undefined where it calls none over HTTP. */
function calledUrl(text: string): string | undefined {
  try {
    const { hooks } = parse(text) as { hooks: { properties: { url: unknown } }[] }
    const { url } = hooks[0]!.properties
    return typeof url === 'string' && ['http:', 'https:'].includes(new URL(url).protocol) ? url : undefined
  } catch {
    return undefined
  }
}

/**
 * SHA-256 of every text of the action that a release has put on branches, with the address that it calls left out. What an older release wrote stays lawful,
 * since a merge of an older branch brings it along; `gate install` replaces it. A text that asks for less than the present one never stands here.
 */
export const knownActions: ReadonlySet<string> = new Set([
  // Before commit, merge, revert and cherry-pick; token in a header; 55 s.
  '9f61de37d999110a7846bc9bc24dc92c87de5d8e0b20b9afd4fa42d29f360741',
])

/** What is alike in the actions of one release, whatever address they call. */
export const fingerprintAction = (text: string, url: string): string => sha256(text.replace(stringify(url).trim(), ''))

/**
 * The action by which lakeFS asks the gate is there and says what it always says, now or in an earlier release: it lacks no event and no token. Nobody else's
 * text is taken: a hook is told a committer's name, which proves nothing, and no token of who writes. Which gate it calls is not judged: gates
 * move, and where another one answers, nothing is attested. An empty repository has none yet.
 */
export async function checkAction(
  { lakefs }: Pick<Environment, 'lakefs'>,
  { study, listing }: StudyView,
  ref: string,
): Promise<GateProblem[]> {
  if (listing.size === 0) return []
  const bytes = listing.has(gatePath) ? await lakefs.getObject(study, ref, gatePath) : undefined
  if (!bytes)
    return [
      {
        code: 'gate-missing',
        message: `there is no ${gatePath}: lakeFS would not ask the gate for what comes of this branch`,
      },
    ]
  const text = new TextDecoder().decode(bytes)
  const url = calledUrl(text)
  if (url !== undefined && (text === formatGateAction({ url }) || knownActions.has(fingerprintAction(text, url))))
    return []
  return [{ code: 'gate-changed', message: `${gatePath} is not as the system writes it` }]
}
