import { useEmbedded } from './embedded.ts'
import { oddNamesSuite } from './suites/odd-names.ts'
import { orderSuite } from './suites/order.ts'
import { realStudySuite } from './suites/real-study.ts'
import { uploadSuite } from './suites/uploads.ts'

const subject = useEmbedded()
uploadSuite({ subject })
orderSuite({ subject, runs: 6 })
// Other stores refuse such a key.
oddNamesSuite({ subject, further: [{ what: 'a key with dots', folder: 'study/../v1', file: 'dm.csv' }] })
realStudySuite({ subject })
