export { type LoadedStage, useStage } from './loaded-stage.ts'
export { type FoundStage, type StageLoader, type StageLoaderOptions, type StageOfKind, stageLoader } from './loader.ts'
export { nearest } from './nearest.ts'
