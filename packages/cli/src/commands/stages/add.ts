import { string as word } from '@oclif/core/args'
import { command } from '../../command.ts'
import { outputFlags } from '../../flags.ts'
import { addStage } from '../../stages/add-stage.ts'
import { shortUse } from '../../stages/listed-stages.ts'
import { tellStages } from '../../stages/shown-stage.ts'
import { placeFlags, stagesPlace } from '../../stages/stages-place.ts'

export const add = command({
  summary: 'Add a package of a stage beside the pipeline file.',
  description:
    'npm installs it into the folder of the pipeline file (or here, when there is none), without running its scripts. It is loaded then, and when it is no stage or wants another engine, all is as before. Whoever can write a package can run code as you: add what you trust.',
  examples: ['kpipe stages add kpipe-stage-redact@1', 'kpipe stages add -c /etc/kpipe/backup.yaml ./kpipe-stage-redact-0.1.0.tgz'],
  args: { package: word({ required: true, ignoreStdin: true, description: 'name in the registry, folder, or .tgz file' }) },
  flags: { ...placeFlags, ...outputFlags },
  async run({ flags, args, terminal, signal }) {
    const { folder, loader } = await stagesPlace(flags, process.env)
    const { package: name, stages } = await addStage(args.package, loader, { folder, signal })
    terminal.say(`added ${name} ${stages[0]!.version} in ${folder}\n`)
    tellStages(shortUse(name), stages, terminal)
    return 0
  },
})
