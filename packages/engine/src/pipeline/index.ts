export type { Pipeline } from './pipeline.ts'
export { readPipeline, type ReadPipelineOptions } from './read-pipeline.ts'
