import type { LoadedStage, Path, Pipeline } from '@kpipe/engine'

/** The stages of a pipeline with their places in its file, in the order in which bytes go through them. */
export function placedStages({ source, stages, store }: Pipeline): { readonly path: Path; readonly loaded: LoadedStage }[] {
  return [
    { path: ['source'], loaded: source as LoadedStage },
    ...stages.map((loaded, index) => ({ path: ['stages', index], loaded })),
    { path: ['store'], loaded: store as LoadedStage },
  ]
}
