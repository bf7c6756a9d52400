import type { FoundStage } from '@kpipe/engine'
import type { Terminal } from '../terminal.ts'
import { settingRows } from './settings-text.ts'
import { stageExample } from './stage-example.ts'

/** Tells all that stages say of themselves. */
export function tellStages(use: string, found: readonly FoundStage[], terminal: Terminal): void {
  if (terminal.json) terminal.write(`${JSON.stringify(found.map((stage) => shownStageRow(use, stage)))}\n`)
  else if (terminal.verbosity >= 0) terminal.write(found.map((stage) => shownStage(use, stage)).join('\n'))
}

function shownStage(use: string, { stage, package: name, version, firstParty }: FoundStage): string {
  const seals = stage.kind === 'codec' && (stage as unknown as { seals: boolean }).seals
  return [
    `${stage.kind} ${name} ${version}${firstParty ? ', comes with kpipe' : ''}`,
    `${stage.summary}${seals ? '; seals' : ''}`,
    '',
    'settings',
    ...settingsText(stage),
    '',
    'example',
    ...stageExample(use, stage.kind, stage.settings).trimEnd().split('\n').map(indented),
    '',
  ].join('\n')
}

function shownStageRow(use: string, found: FoundStage): Record<string, unknown> {
  const { stage, package: name, version, firstParty } = found
  const { kind, summary, settings } = stage
  return { use, kind, package: name, version, summary, first_party: firstParty, settings, example: stageExample(use, kind, settings) }
}

function settingsText(stage: FoundStage['stage']): string[] {
  const rows = settingRows(stage.settings)
  if (rows.length === 0) return [indented('none')]
  const width = Math.max(...rows.map(({ name }) => name.length))
  return rows.flatMap(({ name, type, default: usual, description }) => [
    indented(`${name.padEnd(width)}  ${type}${usual === '' ? '' : `, default ${usual}`}`),
    indented(`${''.padEnd(width)}  ${description}`),
  ])
}

function indented(line: string): string {
  return `  ${line}`
}
