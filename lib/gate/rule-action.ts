import { parse } from 'yaml'
import type { Environment } from '../environment.ts'
import { formatGateAction } from '../gate-action.ts'
import { gatePath } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import type { StudyView } from './view.ts'

/** The URL that an action calls, or undefined where it calls none over HTTP. */
function calledUrl(text: string): string | undefined {
  try {
    const { hooks } = parse(text) as { hooks?: { properties?: { url?: unknown } }[] }
    const url = hooks?.[0]?.properties?.url
    return typeof url === 'string' && /^https?:$/.test(new URL(url).protocol) ? url : undefined
  } catch {
    return undefined
  }
}

/**
 * The action by which lakeFS asks the gate is there and says what it always says: it lacks no event and no token. Which gate it calls is not judged: gates
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
  if (url !== undefined && text === formatGateAction({ url })) return []
  return [{ code: 'gate-changed', message: `${gatePath} is not as the system writes it` }]
}
