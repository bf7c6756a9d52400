import { basename, dirname, join, resolve } from 'node:path'
import { string } from '@oclif/core/flags'
import { editorSchema } from '@kpipe/engine'
import type { OwnStage } from '@kpipe/engine'
import { command } from '../command.ts'
import { outputFlags } from '../flags.ts'
import { replaceSchema } from '../config/replace-schema.ts'
import { openStages, ownStages } from '../where/stages.ts'

const fileName = 'kpipe.schema.json'

export const schema = command({
  summary: 'Print the JSON Schema of pipeline files, for editors.',
  description:
    'JSON Schema 2020-12 with the settings of all stages of kpipe itself. With --write it goes into a file kpipe.schema.json beside the pipeline file, and the line is shown that makes editors use it.',
  examples: ['kpipe schema > kpipe.schema.json', 'kpipe schema --write backup.yaml'],
  args: {},
  flags: { write: string({ helpValue: 'FILE', description: 'write it beside this pipeline file' }), ...outputFlags },
  async run({ flags, terminal }) {
    const text = `${JSON.stringify(editorSchema(await stagesByName()), null, 2)}\n`
    if (flags.write === undefined) {
      terminal.write(text)
      return 0
    }
    const file = join(dirname(resolve(flags.write)), fileName)
    await replaceSchema(file, text)
    const line = `# yaml-language-server: $schema=./${fileName}`
    if (terminal.json) terminal.line({ message_type: 'summary', file, line })
    else terminal.say(`${file} is written. Editors use it for ${basename(flags.write)} when this is its first line:`)
    if (!terminal.json && terminal.verbosity >= 0) terminal.write(`${line}\n`)
    return 0
  },
})

async function stagesByName(): Promise<OwnStage[]> {
  const loader = openStages(new Map())
  const found = await Promise.all(ownStages.map(async (name) => ({ name, stages: await loader.loadAll(name, process.cwd()) })))
  return found.flatMap(({ name, stages }) => stages.map(({ stage }) => ({ name, stage })))
}
