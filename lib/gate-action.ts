import { stringify } from 'yaml'

/** The header that carries the gate's token; lakeFS fills it in from its own environment. */
export const gateTokenHeader = 'x-studylake-token'

/**
 * The lakeFS action that calls the gate, as it stands on every branch. Reverts and cherry-picks show a hook nothing of their result: the
 * gate is called for them to refuse what must be judged before it is there. https://docs.lakefs.io/howto/hooks/
 */
export function formatGateAction({ url }: { url: string }): string {
  return stringify({
    name: 'studylake gate',
    on: { 'pre-commit': {}, 'pre-merge': {}, 'pre-revert': {}, 'pre-cherry-pick': {} },
    hooks: [
      {
        id: 'check',
        type: 'webhook',
        properties: { url, timeout: '55s', headers: { [gateTokenHeader]: '{{ ENV.LAKEFSACTION_GATE_TOKEN }}' } },
      },
    ],
  })
}
