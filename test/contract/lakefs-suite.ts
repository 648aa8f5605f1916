import { createSession, type Exchange, type LakefsTarget } from './lakefs-exchange.ts'
import { fuzz } from './lakefs-fuzz.ts'
import type { HookReceiver } from './lakefs-hooks.ts'
import { hookScenarios } from './lakefs-scenarios-hooks.ts'
import { mergeScenarios } from './lakefs-scenarios-merges.ts'
import { objectScenarios } from './lakefs-scenarios-objects.ts'
import { refScenarios, type Scenario } from './lakefs-scenarios-refs.ts'

/** Seeds of the random series that are recorded. */
const recordedSeeds = [1, 2, 3, 4, 5, 6]

/** Every series of requests that is recorded from a real lakeFS and compared. */
export const scenarios: Record<string, Scenario> = {
  ...refScenarios,
  ...objectScenarios,
  ...mergeScenarios,
  ...hookScenarios,
  ...Object.fromEntries(recordedSeeds.map(seed => [`fuzz ${seed}`, fuzz(seed)])),
}

/** Plays a scenario against a server. */
export async function play(scenario: Scenario, target: LakefsTarget, hooks: HookReceiver): Promise<Exchange[]> {
  const session = createSession(target, hooks)
  hooks.take()
  await scenario(session)
  return session.exchanges
}
