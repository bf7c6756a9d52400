import { string as word } from '@oclif/core/args'
import { command } from '../../command.ts'
import { outputFlags } from '../../flags.ts'
import { shortUse } from '../../stages/listed-stages.ts'
import { removeStage } from '../../stages/remove-stage.ts'
import { placeFlags, stagesPlace } from '../../stages/stages-place.ts'

export const remove = command({
  summary: 'Remove a package of a stage that was added.',
  description: 'npm uninstalls it from the folder of the pipeline file. Exit code 3 when the pipeline file still uses it.',
  examples: ['kpipe stages remove redact'],
  args: { name: word({ required: true, ignoreStdin: true, description: 'name of the package, or what stands after `use:`' }) },
  flags: { ...placeFlags, ...outputFlags },
  async run({ flags, args, terminal, signal }) {
    const { folder, uses } = await stagesPlace(flags, process.env)
    const removed = await removeStage(args.name, { folder, signal })
    if (terminal.json) terminal.line({ message_type: 'summary', removed })
    else terminal.say(`removed ${removed} from ${folder}`)
    const still = uses.find((use) => use === removed || use === shortUse(removed))
    if (still === undefined) return 0
    terminal.warn(`the pipeline file still uses ${still}`)
    return 3
  },
})
