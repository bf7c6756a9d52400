import { resolve } from 'node:path'
import { string as word } from '@oclif/core/args'
import { command } from '../../command.ts'
import { outputFlags } from '../../flags.ts'
import { buildStage } from '../../stages/build-stage.ts'
import { openStages } from '../../where/stages.ts'

export const build = command({
  summary: 'Pack a package of a stage with all that it depends on.',
  description:
    'Makes a .tgz here, which `kpipe stages add` takes on a machine without a registry, and tries that out. What has to be compiled must be compiled before.',
  examples: ['kpipe stages build', 'kpipe stages build ./kpipe-stage-redact'],
  args: { folder: word({ ignoreStdin: true, description: 'folder of the package; this one when it is left out' }) },
  flags: outputFlags,
  async run({ args, terminal, signal }) {
    const file = await buildStage(resolve(args.folder ?? '.'), process.cwd(), openStages(new Map()), signal)
    if (terminal.json) terminal.line({ message_type: 'summary', file })
    else terminal.write(`${file}\n`)
    return 0
  },
})
