import type { Suite } from '../suite.ts'
import { bytesSuite } from './bytes.ts'
import { crashSuite } from './crash.ts'
import { decodersSuite } from './decoders.ts'
import { errorsSuite } from './errors.ts'
import { misplacedSuite } from './misplaced.ts'
import { modelSuite } from './model.ts'
import { pageHistoriesSuite } from './page-histories.ts'

export const suites: readonly Suite[] = [crashSuite, errorsSuite, bytesSuite, misplacedSuite, pageHistoriesSuite, decodersSuite, modelSuite]
