import { boxedTable, plainTable } from '../output/table.ts'
import type { ListedStage } from './listed-stages.ts'

/** The stages as people read them; those that cannot be loaded are told elsewhere. */
export function stageListText(stages: readonly ListedStage[], boxed: boolean): string {
  const rows = stages.flatMap((stage) =>
    stage.kind === undefined ? [] : [[stage.use, stage.kind, stage.version, stage.package, stage.summary]],
  )
  const draw = boxed ? boxedTable : plainTable
  return draw(['USE', 'KIND', 'VERSION', 'PACKAGE', 'SUMMARY'], rows, ['left', 'left', 'left', 'left', 'left'])
}

/** The same for programs. */
export function stageListRow(stage: ListedStage): Record<string, unknown> {
  if (stage.kind === undefined) return { use: stage.use, kind: null, problem: stage.problem }
  const { use, kind, version, summary, firstParty } = stage
  return { use, kind, package: stage.package, version, summary, first_party: firstParty }
}
