import { string as word } from '@oclif/core/args'
import { command } from '../../command.ts'
import { outputFlags } from '../../flags.ts'
import { tellStages } from '../../stages/shown-stage.ts'
import { placeFlags, stagesPlace } from '../../stages/stages-place.ts'

export const show = command({
  summary: 'Show what a stage does, its settings, and an example.',
  description: 'All of it comes from the stage itself; with --json the settings are its JSON Schema.',
  examples: ['kpipe stages show etcd', 'kpipe stages show ./mask.mjs'],
  args: { name: word({ required: true, ignoreStdin: true, description: 'what stands after `use:` in a pipeline file' }) },
  flags: { ...placeFlags, ...outputFlags },
  async run({ flags, args, terminal }) {
    const { folder, loader } = await stagesPlace(flags, process.env)
    tellStages(args.name, await loader.loadAll(args.name, folder), terminal)
    return 0
  },
})
