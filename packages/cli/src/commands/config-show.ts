import { resolve } from 'node:path'
import { string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { pathText, soundPipeline } from '@kpipe/engine'
import { command } from '../command.ts'
import { effectiveSettings } from '../config/effective.ts'
import { originText, settingRow, valueText } from '../config/setting-text.ts'
import { outputFlags, repositoryFlags, writeOutFlag } from '../flags.ts'
import { fileOf } from '../where/file-argument.ts'
import { examinePipelineFile } from '../where/open.ts'
import { findPipelineFile, whyPipelineFile } from '../where/pipeline-file.ts'
import { openStages, parseOverrides } from '../where/stages.ts'

export const configShow = command({
  summary: 'Show what a run would go by, and where each value comes from.',
  description:
    'The pipeline file with defaults, flags and environment, secrets hidden. Opens neither source nor store. What is filled from a file, or into a command, is shown as it is written.',
  examples: ['kpipe config show', 'kpipe config show -c /etc/kpipe/backup.yaml -w json'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    'write-out': writeOutFlag(['table', 'json', 'yaml']),
    config: repositoryFlags.config,
    'key-file': repositoryFlags['key-file'],
    'recovery-phrase-file': repositoryFlags['recovery-phrase-file'],
    'password-file': repositoryFlags['password-file'],
    stage: repositoryFlags.stage,
    name: string({ helpValue: 'NAME', description: 'name of the snapshots, as kpipe run takes it' }),
    ...outputFlags,
  },
  async run({ flags, args, terminal }) {
    const named = fileOf(args.file, flags.config)
    const file = findPipelineFile(named, process.env)
    const examined = await examinePipelineFile(file, openStages(parseOverrides(flags.stage)), process.env)
    const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path))
    const settings = effectiveSettings(examined, soundPipeline(examined), {
      name: flags.name,
      keyFile: absolute(flags['key-file']),
      recoveryPhraseFile: absolute(flags['recovery-phrase-file']),
      passwordFile: absolute(flags['password-file']),
      env: process.env,
    })
    const format = terminal.json ? 'json' : (flags['write-out'] ?? 'table')
    const shown = { file, why: whyPipelineFile(named, process.env), settings: settings.map(settingRow) }
    if (format === 'json') terminal.write(`${JSON.stringify(shown, null, terminal.outputIsSeen ? 2 : 0)}\n`)
    else if (format === 'yaml') terminal.write((await import('yaml')).stringify(shown))
    else {
      const { boxedTable, plainTable } = await import('../output/table.ts')
      const rows = settings.map((setting) => [pathText(setting.path), valueText(setting.value), originText(file, setting.origin)])
      const draw = terminal.outputIsSeen ? boxedTable : plainTable
      terminal.write(draw(['SETTING', 'VALUE', 'FROM'], rows, ['left', 'left', 'left']))
      terminal.say(`pipeline file: ${file}, ${shown.why}`)
    }
    return 0
  },
})
