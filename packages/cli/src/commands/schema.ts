import { basename } from 'node:path'
import { string } from '@oclif/core/flags'
import { command } from '../command.ts'
import { editorLine, schemaText, writeSchemaBeside } from '../config/editor-schema.ts'
import { outputFlags } from '../flags.ts'

export const schema = command({
  summary: 'Print the JSON Schema of pipeline files, for editors.',
  description:
    'JSON Schema 2020-12 with the settings of all stages of kpipe itself. With --write it goes into a file kpipe.schema.json beside the pipeline file, and the line is shown that makes editors use it.',
  examples: ['kpipe schema > kpipe.schema.json', 'kpipe schema --write backup.yaml'],
  args: {},
  flags: { write: string({ helpValue: 'FILE', description: 'write it beside this pipeline file' }), ...outputFlags },
  async run({ flags, terminal }) {
    if (flags.write === undefined) {
      terminal.write(await schemaText())
      return 0
    }
    const file = await writeSchemaBeside(flags.write)
    const line = editorLine
    if (terminal.json) terminal.line({ message_type: 'summary', file, line })
    else terminal.say(`${file} is written. Editors use it for ${basename(flags.write)} when this is its first line:`)
    if (!terminal.json && terminal.verbosity >= 0) terminal.write(`${line}\n`)
    return 0
  },
})
