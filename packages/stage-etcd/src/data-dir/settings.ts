import { KpipeError } from '@kpipe/engine/contracts'
import type { PropertySchema } from '@kpipe/engine/contracts'

export interface StoppedMember {
  readonly dataDir: string
  /** `member/wal` of the data directory unless given. */
  readonly walDir?: string
}

/** Without examples: the example of the stage is of a connection. */
export const stoppedMemberSettings: Readonly<Record<'dataDir' | 'walDir', PropertySchema>> = {
  dataDir: {
    type: 'string',
    format: 'path',
    minLength: 1,
    description: 'Data directory of a member that is stopped or has crashed, to take its database as a snapshot, without any connection.',
  },
  walDir: {
    type: 'string',
    format: 'path',
    minLength: 1,
    description: "Folder of that member's log, where etcd was given one with --wal-dir.",
  },
}

/** Settings of a connection: with a data directory they would go unused. */
const ofConnections = [
  'location',
  'endpoints',
  'cacert',
  'cert',
  'key',
  'serverName',
  'insecureSkipTlsVerify',
  'username',
  'password',
  'member',
]

/** The settings of a stopped member; undefined when there are none. @throws KpipeError KPIPE_PIPELINE_INVALID when those of a connection stand beside them */
export function stoppedMemberOf(settings: Partial<StoppedMember> & { readonly evidence?: string }): StoppedMember | undefined {
  const { dataDir, walDir } = settings
  if (dataDir === undefined && walDir === undefined) return undefined
  if (dataDir === undefined) throw new KpipeError('KPIPE_PIPELINE_INVALID', 'source etcd has the setting walDir without dataDir')
  const given = new Map(Object.entries<unknown>(settings).filter(([, value]) => value !== undefined && value !== false))
  const unused = ofConnections.filter((name) => given.has(name))
  if (settings.evidence === 'required')
    throw new KpipeError('KPIPE_PIPELINE_INVALID', 'source etcd has evidence: required, and a data directory has no members to ask')
  if (unused.length === 0) return { dataDir, ...(walDir !== undefined && { walDir }) }
  throw new KpipeError('KPIPE_PIPELINE_INVALID', `source etcd has the setting ${unused.join(', ')}, which a data directory has no use for`)
}
