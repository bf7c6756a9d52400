import { useStage } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Facts, TargetStage } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { restoreTarget } from '../restore/restore-target.ts'
import type { RestoreTarget } from '../restore/restore-target.ts'
import { runRestore } from '../restore/run-restore.ts'
import type { RestoreRun } from '../restore/run-restore.ts'
import type { Terminal } from '../terminal.ts'
import { memberFlags } from './decide.ts'
import type { PlannedMember, RestorePlan } from './decide.ts'
import { starting } from './service.ts'
import { stillRunning } from './still-running.ts'

export interface ExecutedLocally {
  readonly target: RestoreTarget
  /** Undefined when an earlier run had made it. */
  readonly made: Facts | undefined
}

/**
 * Does the part of one member: makes its data directory, and says each step. It starts and stops nothing. When the member that the plan
 * makes is there already, nothing is done.
 * @throws KpipeError KPIPE_TARGET_FAILED when etcd runs, or would be started in the middle
 */
export async function executeLocal(
  plan: RestorePlan,
  member: PlannedMember,
  run: Omit<RestoreRun, 'to'>,
  terminal: Pick<Terminal, 'say' | 'warn'>,
): Promise<ExecutedLocally> {
  const target = restoreTarget(memberFlags(plan, member))
  terminal.say(`this host is ${member.name} of the plan; the snapshot has the plan's digest`)
  if (await wasMade(target, run)) {
    terminal.say(`${member.dataDir} is already what the plan makes of it: nothing was done`)
    return { target, made: undefined }
  }
  await demandStopped(member)
  const apiserver = plan.apiserver && (await stillRunning(plan.apiserver))
  if (apiserver !== undefined) terminal.warn(`the API server of this host is not stopped: ${apiserver}`)
  terminal.say(`etcd does not run; making ${member.dataDir}`)
  const { made } = await runRestore({ ...run, to: target })
  return { target, made }
}

/** What remains to be done here, and when. */
export function nextText({ members }: RestorePlan, { etcd }: PlannedMember): string {
  const { commands, seen } = starting(etcd)
  const when = members.length === 1 ? 'next' : 'next, when all members have theirs'
  return [`${when}: ${commands.length === 0 ? seen : ''}`.trimEnd(), ...commands.map((command) => `  ${command}`)].join('\n')
}

/** Opens the target and gives it up again: it refuses what it would refuse later, before anything is read. */
async function wasMade({ settings: given }: RestoreTarget, { stages, snapshot, signal }: Omit<RestoreRun, 'to'>): Promise<boolean> {
  const { stage, settings } = await useStage(stages, 'target', 'etcd', given, process.cwd())
  try {
    const target = await (stage as TargetStage).open(settings as never, { signal, bytes: snapshot.bytes, facts: snapshot.facts })
    await target.abort()
    return false
  } catch (error) {
    if (error instanceof KpipeError && error.details['made_before'] === true) return true
    throw error
  }
}

async function demandStopped({ etcd, dataDir }: PlannedMember): Promise<void> {
  const running = await stillRunning(etcd)
  if (running === undefined) return
  const error = new KpipeError('KPIPE_TARGET_FAILED', `etcd is not stopped: ${running}`, { data_dir: dataDir })
  throw withHint(error, 'Stop it as the plan says, then run this again; nothing was changed.')
}
