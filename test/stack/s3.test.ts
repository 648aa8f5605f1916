import { stackSuite } from './stack-suite.ts'

stackSuite('s3')
