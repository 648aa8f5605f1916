import { stackSuite } from './stack-suite.ts'

stackSuite('minio')
