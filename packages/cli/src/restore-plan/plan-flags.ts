import { boolean, string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'
import { givenDataDirFlags } from '../restore/data-dir-flags.ts'
import type { DataDirFlags } from '../restore/data-dir-flags.ts'

/** What makes a restore one of a whole cluster. */
export const planFlags = {
  plan: string({
    helpValue: 'FILE',
    description: 'write the steps of restoring a whole cluster, whose members FILE names; with --json as a plan for --execute-local',
  }),
  'plan-from-snapshot': boolean({ description: 'the same with the members that the snapshot names' }),
  'execute-local': boolean({ description: "do this host's part of the plan that --plan names: make its member's data directory" }),
}

export interface PlanFlags extends DataDirFlags {
  readonly plan?: string | undefined
  readonly 'plan-from-snapshot'?: boolean
  readonly 'execute-local'?: boolean
  readonly to?: string | undefined
  readonly salvage?: unknown
}

/** Whether a plan is asked for. @throws KpipeError KPIPE_USAGE when other flags contradict that */
export function wantsPlan(flags: PlanFlags): boolean {
  const { plan, 'plan-from-snapshot': fromSnapshot, 'execute-local': local } = flags
  if (plan === undefined && !fromSnapshot) {
    if (local) throw new KpipeError('KPIPE_USAGE', '--execute-local does a part of a plan, and --plan names none')
    return false
  }
  if (plan !== undefined && fromSnapshot)
    throw new KpipeError('KPIPE_USAGE', '--plan and --plan-from-snapshot were both given: the members of a file, or those of the snapshot')
  if (local && fromSnapshot) throw new KpipeError('KPIPE_USAGE', '--execute-local does a part of a plan that --plan names')
  const other = flags['data-dir'] === undefined ? (flags.salvage ? 'salvage' : givenDataDirFlags(flags)[0]) : 'data-dir'
  if (other !== undefined) throw new KpipeError('KPIPE_USAGE', `--${other} does not go with a plan, which says it for each member`)
  if (local && flags.to !== undefined)
    throw new KpipeError('KPIPE_USAGE', '--to does not go with --execute-local, which writes a data directory')
  return true
}
