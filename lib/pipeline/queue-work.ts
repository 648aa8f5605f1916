import type { Environment } from '../environment.ts'
import { nameCause } from './causes.ts'
import { judgeVersion } from './judge.ts'
import type { LandingState } from './landing-state.ts'

/** What led to a look at a version. */
export interface Origin {
  /** Part of the deduplication ids of all that follows. */
  cause: string
  /** The same, where it asks for work that may have been queued before. */
  replay?: string
}

/**
 * Queues what a version lacks: a conversion for each CSV that has none, or else a look whether it is complete. With `datasets` only their
 * conversions: an event of one file does not queue the work that the events of other files queue.
 */
export async function queueWork(
  { lake, queues, log }: Environment,
  state: LandingState,
  { cause, replay }: Origin,
  { datasets }: { datasets?: Set<string> } = {},
): Promise<void> {
  const { study, version } = state
  if (!state.contents && state.problems.length === 0) {
    log.info('waits for its contents file', { study, version })
    return
  }
  const judgement = await judgeVersion({ lake }, state)
  if (judgement.state !== 'converting') {
    const body = JSON.stringify({ study, version, cause, replay })
    const deduplicationId = nameCause(study, version, cause)
    await queues.register.send([{ body, groupId: `${study}/${version}`, deduplicationId }])
    return
  }
  const wanted = judgement.unconverted.filter(({ dataset }) => datasets?.has(dataset.name) ?? true)
  const messages = wanted.map(({ dataset, file, object: { etag, size } }) => ({
    body: JSON.stringify({ study, version, cause, replay, dataset: dataset.name, file, etag, size }),
  }))
  await queues.convert.send(messages)
  log.info('conversions are queued', { study, version, datasets: messages.length })
}
