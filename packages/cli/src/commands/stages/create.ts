import { string as word } from '@oclif/core/args'
import { command } from '../../command.ts'
import { outputFlags } from '../../flags.ts'
import { createStage } from '../../stages/create-stage.ts'

export const create = command({
  summary: 'Create a package of a stage, to begin with.',
  description:
    'Makes a folder here with a stage that works and the test that runs the conformance suite of its kind. `npm install && npm test` in it passes; `kpipe stages build` packs it.',
  examples: ['kpipe stages create codec redact'],
  args: {
    kind: word({ required: true, ignoreStdin: true, description: 'source, chunk, hash, inspect, codec, store or target' }),
    name: word({ required: true, ignoreStdin: true, description: 'the package will be called kpipe-stage-NAME' }),
  },
  flags: outputFlags,
  async run({ args, terminal }) {
    const folder = createStage(args.kind, args.name, process.cwd())
    if (terminal.json) terminal.line({ message_type: 'summary', folder })
    else terminal.write(`${folder}\n`)
    return 0
  },
})
