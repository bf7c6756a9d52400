import { KpipeError } from '../contracts/index.ts'

/** One thing that is wrong with a pipeline file; `start` and `end` are offsets in its text. */
export interface Problem {
  readonly start: number
  readonly end: number
  readonly message: string
}

const maxFrameColumns = 160

/** One error that tells all problems in the order of the text, each with its place and its line. */
export function pipelineInvalid(file: string, text: string, problems: readonly Problem[]): KpipeError {
  const lines = text.split('\n')
  const starts: number[] = []
  for (let i = 0, start = 0; i < lines.length; start += lines[i++].length + 1) starts.push(start)
  const reports = problems
    .toSorted((one, other) => one.start - other.start)
    .map((problem) => {
      const line = starts.findLastIndex((start) => start <= problem.start)
      return report(file, lines[line], line + 1, problem.start - starts[line] + 1, problem)
    })
  const message = reports.length === 1 ? reports[0] : `${file} has ${reports.length} errors\n${reports.join('\n')}`
  return new KpipeError('KPIPE_PIPELINE_INVALID', message, { file, problems: reports.map((text) => text.split('\n', 1)[0]) })
}

function report(file: string, source: string, line: number, column: number, { start, end, message }: Problem): string {
  const shown = maskSecrets(source.replace(/\r$/, '').replaceAll('\t', ' '))
  const length = Math.max(1, Math.min(end - start, shown.length - column + 1))
  const where = `${file}:${line}:${column}: ${message}`
  if (column > maxFrameColumns) return where
  const margin = ' '.repeat(String(line).length)
  const caret = `${' '.repeat(column - 1)}${'^'.repeat(length)}`
  return `${where}\n  ${line} | ${shown.slice(0, maxFrameColumns)}\n  ${margin} | ${caret.slice(0, maxFrameColumns)}`
}

/** Values of names that sound like secrets are not shown; the columns before them stay. */
function maskSecrets(line: string): string {
  return line.replace(
    /([\w-]*(?:password|passphrase|secret|token)[\w-]*["']?\s*:\s*)("[^"]*"|'[^']*'|[^\s,}\]][^,}\]]*)/gi,
    (_all, name: string, value: string) => name + '*'.repeat(Math.min(value.length, 8)),
  )
}
