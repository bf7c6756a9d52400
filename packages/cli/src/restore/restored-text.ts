import type { Facts } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'
import { attachmentsOf } from './attachments/attachments-of.ts'
import { sizeText } from '../output/size-text.ts'
import { durationText } from '../output/time-text.ts'
import type { RestoreTarget } from './restore-target.ts'

export interface Restored {
  readonly snapshot: Snapshot
  readonly target: RestoreTarget
  readonly made: Facts
  /** Of the stream that was written. */
  readonly bytes: number
  readonly seconds: number
  /** The head of the log that it was read from. */
  readonly head: string
}

/** What a restore says of itself. */
export function restoredText({ snapshot, target, made, bytes, seconds, head }: Restored): string {
  const lines = [`head    ${head}`]
  if (target.use === 'etcd') {
    const members = made['members'] === 1 ? 'this member alone' : `${String(made['members'])} members`
    lines.unshift(
      `member  ${String(made['member_name'])}, ${String(made['member_id'])}`,
      `cluster ${String(made['cluster_id'])}, ${members}`,
      `data    ${sizeText(Number(made['database_bytes']))} for etcd ${String(made['etcd'])}, revision ${String(made['bumped_to'] ?? made['revision'])}`,
    )
  }
  const attached = attachmentsOf(snapshot).length
  if (attached > 0) lines.splice(-1, 0, `beside  ${attached} attached ${attached === 1 ? 'file' : 'files'}, which --attachments DIR writes`)
  const what = target.use === 'etcd' ? `data directory ${target.path} made` : `${sizeText(bytes)} written to ${target.path}`
  return [`snapshot ${snapshot.shortId} of ${snapshot.name}: ${what} in ${durationText(seconds)}`, ...lines].join('\n  ')
}

/** The same for programs. */
export function restoredLine(
  { snapshot, target, made, bytes, seconds, head }: Restored,
  remarks: readonly string[],
): Record<string, unknown> {
  return {
    message_type: 'summary',
    snapshot_id: snapshot.id,
    name: snapshot.name,
    ...(target.use === 'file' ? { to: target.path } : { data_dir: target.path, ...made, remarks }),
    bytes_written: target.use === 'file' ? bytes : made['database_bytes'],
    duration_ms: Math.round(seconds * 1000),
    head,
  }
}
