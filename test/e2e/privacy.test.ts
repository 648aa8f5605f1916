import { useEmbedded } from './embedded.ts'
import { privacySuite } from './suites/privacy.ts'

privacySuite({ subject: useEmbedded() })
