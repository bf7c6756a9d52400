import { command } from '../../command.ts'
import { outputFlags } from '../../flags.ts'
import { listedStages } from '../../stages/listed-stages.ts'
import { placeFlags, stagesPlace } from '../../stages/stages-place.ts'

export const list = command({
  summary: 'List the stages that a pipeline file can use.',
  description:
    'kpipe’s own, packages called kpipe-stage-NAME or @SCOPE/kpipe-stage-NAME in the node_modules beside the pipeline file (or here, when there is none), and what else the file names. Each is loaded to be asked what it is; exit code 3 when one cannot be.',
  examples: ['kpipe stages', 'kpipe stages -c /etc/kpipe/backup.yaml --json'],
  args: {},
  flags: { ...placeFlags, ...outputFlags },
  async run({ flags, terminal }) {
    const listed = await listedStages(await stagesPlace(flags, process.env))
    const { stageListRow, stageListText } = await import('../../stages/stage-list-text.ts')
    if (terminal.json) terminal.write(`${JSON.stringify(listed.map(stageListRow))}\n`)
    else terminal.write(stageListText(listed, terminal.outputIsSeen))
    const problems = listed.flatMap((stage) => (stage.kind === undefined ? [stage.problem] : []))
    for (const problem of problems) terminal.warn(problem)
    return problems.length > 0 ? 3 : 0
  },
})
