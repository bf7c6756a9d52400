import { KpipeError } from '@kpipe/engine/contracts'
import type { StageKind } from '@kpipe/engine/contracts'
import { ownStages } from '../where/stages.ts'
import { installedPackages } from './installed-packages.ts'
import type { StagesPlace } from './stages-place.ts'

/** One stage that a pipeline file can use, or a name that leads to none. */
export type ListedStage =
  | {
      /** What stands after `use:`. */
      readonly use: string
      readonly kind: StageKind
      readonly package: string
      readonly version: string
      readonly summary: string
      readonly firstParty: boolean
    }
  | { readonly use: string; readonly kind: undefined; readonly problem: string }

/** kpipe's own stages, those that are installed, and what else the pipeline file names. Each module is loaded to be asked. */
export async function listedStages({ folder, uses, loader }: StagesPlace): Promise<ListedStage[]> {
  const listed: ListedStage[] = []
  const seen = new Set<string>()
  for (const use of new Set([...ownStages, ...installedPackages(folder).map(shortUse), ...uses])) {
    try {
      for (const { stage, package: name, version, url, firstParty } of await loader.loadAll(use, folder)) {
        if (seen.has(`${stage.kind} ${url}`)) continue
        seen.add(`${stage.kind} ${url}`)
        listed.push({ use, kind: stage.kind, package: name, version, summary: stage.summary, firstParty })
      }
    } catch (error) {
      if (!(error instanceof KpipeError)) throw error
      listed.push({ use, kind: undefined, problem: error.message })
    }
  }
  return listed
}

/** How a pipeline file names an installed package: without what all names begin with, where that is not taken. */
export function shortUse(packageName: string): string {
  const short = packageName.replace(/^kpipe-stage-/, '')
  return (ownStages as readonly string[]).includes(short) ? packageName : short
}
