import type { PruneReport, Repository } from '@kpipe/repository'
import type { Terminal } from '../terminal.ts'
import { pruneLine, pruneSentence, pruneText } from './prune-summary.ts'

/** Says what a prune did, or would do. Returns the exit code: 3 when something needs a look. */
export function tellPrune(report: PruneReport, { head }: Repository, terminal: Terminal): number {
  if (terminal.json) terminal.line(pruneLine(report, head))
  else if (terminal.verbosity >= 0)
    terminal.write(
      pruneText(report)
        .map((line) => `${line}\n`)
        .join(''),
    )
  for (const sentence of report.attention) terminal.warn(sentence)
  terminal.say(`${pruneSentence(report)}\n  head    ${head}`)
  return report.attention.length > 0 ? 3 : 0
}
