import type { Suite } from '../suite.ts'
import { bytesSuite } from './bytes.ts'
import { crashSuite } from './crash.ts'
import { errorsSuite } from './errors.ts'

export const suites: readonly Suite[] = [crashSuite, errorsSuite, bytesSuite]
