import { KpipeError } from '../contracts/index.ts'

/** One thing that is wrong with a pipeline file; `start` and `end` are offsets in its text. */
export interface Problem {
  readonly start: number
  readonly end: number
  readonly message: string
  /** A `${…}` that lacks quotes. */
  readonly unquoted?: string
}

const maxFrameColumns = 160

/** A problem as people read it. Line and column begin at 1. */
export interface ProblemReport {
  readonly line: number
  readonly column: number
  readonly message: string
  /** The line of the text with a mark below, each indented by two blanks; empty when the place is far to the right. */
  readonly frame: string
}

/**
 * All problems in the order of the text, each with its place and its line.
 * @param secrets names of settings whose values are not shown
 */
export function reportProblems(text: string, problems: readonly Problem[], secrets: readonly string[] = []): ProblemReport[] {
  const lines = text.split('\n')
  const place = placesIn(lines)
  return problems
    .toSorted((one, other) => one.start - other.start)
    .map(({ start, end, message }) => {
      const { line, column } = place(start)
      return { line, column, message, frame: frameOf(maskSecrets(lines[line - 1], secrets), line, column, end - start) }
    })
}

/** Line and column of an offset, both from 1. */
export function placesIn(lines: readonly string[]): (offset: number) => { line: number; column: number } {
  const starts: number[] = []
  for (let i = 0, start = 0; i < lines.length; start += lines[i++].length + 1) starts.push(start)
  return (offset) => {
    const index = starts.findLastIndex((start) => start <= offset)
    return { line: index + 1, column: offset - starts[index] + 1 }
  }
}

/** One error that tells all problems. */
export function pipelineInvalid(file: string, text: string, problems: readonly Problem[], secrets: readonly string[] = []): KpipeError {
  const reports = reportProblems(text, problems, secrets)
  const places = reports.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
  const shown = reports.map(({ frame }, index) => `${places[index]}${frame && `\n${frame}`}`)
  const message = shown.length === 1 ? shown[0] : `${file} has ${shown.length} errors\n${shown.join('\n')}`
  const unquoted = problems.find((problem) => problem.unquoted !== undefined)?.unquoted
  return new KpipeError('KPIPE_PIPELINE_INVALID', message, { file, problems: places, ...(unquoted !== undefined && { unquoted }) })
}

function frameOf(source: string, line: number, column: number, markLength: number): string {
  if (column > maxFrameColumns) return ''
  const shown = source.replace(/\r$/, '').replaceAll('\t', ' ')
  const length = Math.max(1, Math.min(markLength, shown.length - column + 1))
  const margin = ' '.repeat(String(line).length)
  const caret = `${' '.repeat(column - 1)}${'^'.repeat(length)}`
  return `  ${line} | ${shown.slice(0, maxFrameColumns)}\n  ${margin} | ${caret.slice(0, maxFrameColumns)}`
}

/** Values of names that are or sound like secrets are not shown; the columns before them stay. */
function maskSecrets(line: string, secrets: readonly string[]): string {
  const names = ['[\\w-]*(?:password|passphrase|secret|token)[\\w-]*', ...secrets.map((name) => `(?<![\\w-])${RegExp.escape(name)}`)]
  return line.replace(
    new RegExp(`((?:${names.join('|')})["']?\\s*:\\s*)("[^"]*"|'[^']*'|[^\\s,}\\]][^,}\\]]*)`, 'gi'),
    (_all, name: string, value: string) => name + '*'.repeat(Math.min(value.length, 8)),
  )
}
