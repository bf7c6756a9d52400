import { string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'
import { givenDataDirFlags } from '../data-dir-flags.ts'
import type { PlanFlags } from '../../restore-plan/plan-flags.ts'

export const attachmentFlags = {
  attachments: string({ helpValue: 'DIR', description: 'write the files that were stored with the snapshot below DIR, each by its path' }),
  attachment: string({ helpValue: 'NAME', description: 'write one of these files, with --to; `kpipe snapshots --json` has the names' }),
}

export interface AttachmentFlags extends PlanFlags {
  readonly attachments?: string | undefined
  readonly attachment?: string | undefined
}

/** Whether attachments are asked for. @throws KpipeError KPIPE_USAGE when other flags contradict that */
export function wantsAttachments(flags: AttachmentFlags): boolean {
  const { attachments, attachment, to } = flags
  if (attachments === undefined && attachment === undefined) return false
  if (attachments !== undefined && attachment !== undefined)
    throw new KpipeError('KPIPE_USAGE', '--attachments and --attachment were both given: all of them or one')
  const flag = attachments === undefined ? 'attachment' : 'attachments'
  const others = ['data-dir', 'plan', 'plan-from-snapshot', 'execute-local', 'salvage', ...(attachments === undefined ? [] : ['to'])]
  const given = Object.entries(flags).filter(([, value]) => value !== undefined && value !== false)
  const other = given.find(([name]) => others.includes(name))?.[0] ?? givenDataDirFlags(flags)[0]
  if (other !== undefined) throw new KpipeError('KPIPE_USAGE', `--${other} does not go with --${flag}`)
  if (attachment !== undefined && to === undefined) throw new KpipeError('KPIPE_USAGE', '--attachment needs --to, the file to write')
  return true
}
