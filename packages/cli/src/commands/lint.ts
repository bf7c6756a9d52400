import { boolean } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { reportProblems } from '@kpipe/engine'
import type { ProblemReport } from '@kpipe/engine'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { warningsOf } from '../lint/warnings.ts'
import { fileOf } from '../where/file-argument.ts'
import { examinePipelineFile } from '../where/open.ts'
import { findPipelineFile } from '../where/pipeline-file.ts'
import { openStages, parseOverrides } from '../where/stages.ts'

interface Finding extends ProblemReport {
  readonly severity: 'error' | 'warning'
}

export const lint = command({
  summary: 'Check a pipeline file.',
  description:
    'Tells everything that is wrong with the file, and what is allowed but certainly not good, with line and column. Opens neither source nor store. Exit code 78 when there are errors.',
  examples: ['kpipe lint backup.yaml', 'kpipe lint --deny-warnings -q'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    'deny-warnings': boolean({ description: 'exit code 78 for warnings, too' }),
    config: repositoryFlags.config,
    stage: repositoryFlags.stage,
    ...outputFlags,
  },
  async run({ flags, args, terminal }) {
    const file = findPipelineFile(fileOf(args.file, flags.config), process.env)
    const examined = await examinePipelineFile(file, openStages(parseOverrides(flags.stage)), process.env)
    const errors = reportProblems(examined.text, examined.problems, examined.secretSettings).map((report) => ({
      ...report,
      severity: 'error' as const,
    }))
    const warnings = reportProblems(examined.text, warningsOf(examined), examined.secretSettings).map((report) => ({
      ...report,
      severity: 'warning' as const,
    }))
    const findings: Finding[] = [...errors, ...warnings].toSorted((one, other) => one.line - other.line || one.column - other.column)
    if (terminal.json) {
      const problems = findings.map(({ severity, line, column, message }) => ({ severity, line, column, message }))
      terminal.write(`${JSON.stringify({ file, errors: errors.length, warnings: warnings.length, problems })}\n`)
    } else {
      for (const finding of findings) terminal.write(findingText(file, finding))
      terminal.say(`${file}: ${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}`)
    }
    return errors.length > 0 || (flags['deny-warnings'] && warnings.length > 0) ? 78 : 0
  },
})

function findingText(file: string, { line, column, severity, message, frame }: Finding): string {
  return `${file}:${line}:${column}: ${severity}: ${message}\n${frame}${frame && '\n'}`
}

function count(many: number, what: string): string {
  return `${many === 0 ? 'no' : many} ${what}${many === 1 ? '' : 's'}`
}
