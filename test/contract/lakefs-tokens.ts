/** What a real lakeFS has to know as `LAKEFSACTION_TOKEN`: the hooks of the contract suite ask for it. */
export const hookToken = 'tok-123'

/** What it has to know as `LAKEFSACTION_GATE_TOKEN`: the gate asks for it. */
export const gateToken = 'gate-token-of-the-suites'
