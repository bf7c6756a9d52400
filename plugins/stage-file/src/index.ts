import type { SourceStage, TargetStage } from '@kpipe/engine/contracts'
import { source } from './source.ts'
import { target } from './target.ts'

const stages: readonly [SourceStage, TargetStage] = [source, target]
export default stages
