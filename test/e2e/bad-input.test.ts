import { useEmbedded } from './embedded.ts'
import { badInputSuite } from './suites/bad-input.ts'

badInputSuite({ subject: useEmbedded() })
