import { boolean, integer, option, string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'

/** The lines of etcd that a data directory can be written for. */
export const etcdLines = ['3.4', '3.5', '3.6', '3.7'] as const

/** `--data-dir` and what goes with it: etcdutl's flags, with their names and defaults, and kpipe's own. */
export const dataDirFlags = {
  'data-dir': string({
    helpValue: 'PATH',
    description: 'data directory to make instead, which must not exist or be empty; what follows goes with it',
  }),
  'wal-dir': string({ helpValue: 'PATH', description: 'where the log goes, which must not exist; default: into the data directory' }),
  'initial-cluster': string({ helpValue: 'M1=URL,…', description: 'all members and their peer URLs; default: NAME=http://localhost:2380' }),
  'initial-cluster-token': string({ helpValue: 'TOKEN', description: 'the same for all members; default: etcd-cluster' }),
  'initial-advertise-peer-urls': string({ helpValue: 'URL,…', description: "this member's peer URLs; default: http://localhost:2380" }),
  'bump-revision': integer({
    helpValue: 'N',
    min: 1,
    description: 'how much higher revisions begin; default: 1000000000 for data of Kubernetes',
  }),
  'mark-compacted': boolean({ description: 'goes with --bump-revision: all revisions below count as compacted' }),
  'no-bump': boolean({ description: 'leave revisions as they are, also those of Kubernetes' }),
  'skip-hash-check': boolean({ description: 'take a database that does not end with its SHA-256' }),
  owner: string({ helpValue: 'USER:GROUP', description: 'who gets the files; default: whoever has the folder that they stand in' }),
  'move-aside': boolean({ description: 'keep what is there beside, under its name with the time; refused while an etcd runs on it' }),
  'etcd-version': option({
    helpValue: etcdLines.join('|'),
    options: etcdLines,
    description: 'etcd that is to run on it; default: that of the snapshot',
  })(),
  force: boolean({ description: 'also for an etcd older than that of the snapshot' }),
}

export interface DataDirFlags {
  readonly name?: string | undefined
  readonly 'data-dir'?: string | undefined
  readonly 'wal-dir'?: string | undefined
  readonly 'initial-cluster'?: string | undefined
  readonly 'initial-cluster-token'?: string | undefined
  readonly 'initial-advertise-peer-urls'?: string | undefined
  readonly 'bump-revision'?: number | undefined
  readonly 'mark-compacted'?: boolean
  readonly 'no-bump'?: boolean
  readonly 'skip-hash-check'?: boolean
  readonly owner?: string | undefined
  readonly 'move-aside'?: boolean
  readonly 'etcd-version'?: string | undefined
  readonly force?: boolean
}

/** Those of the flags that were given, which mean nothing without `--data-dir`. */
export function givenDataDirFlags(flags: DataDirFlags): string[] {
  return Object.keys(dataDirFlags).filter((name) => {
    const value = flags[name as keyof DataDirFlags]
    return name !== 'data-dir' && value !== undefined && value !== false
  })
}

/** Settings of the stage that makes data directories. @throws KpipeError KPIPE_USAGE */
export function dataDirSettings(flags: DataDirFlags & { readonly 'data-dir': string }): Record<string, unknown> {
  const bump = flags['bump-revision']
  if ((bump === undefined) === Boolean(flags['mark-compacted']))
    throw new KpipeError('KPIPE_USAGE', '--bump-revision and --mark-compacted go together: one was given without the other')
  if (bump !== undefined && flags['no-bump']) throw new KpipeError('KPIPE_USAGE', '--bump-revision and --no-bump contradict each other')
  const settings = {
    dataDir: flags['data-dir'],
    walDir: flags['wal-dir'],
    name: flags.name,
    initialCluster: flags['initial-cluster'],
    initialClusterToken: flags['initial-cluster-token'],
    initialAdvertisePeerUrls: flags['initial-advertise-peer-urls'],
    bumpRevision: bump,
    noBump: flags['no-bump'],
    skipHashCheck: flags['skip-hash-check'],
    owner: flags.owner,
    moveAside: flags['move-aside'],
    etcdVersion: flags['etcd-version'],
    force: flags.force,
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
