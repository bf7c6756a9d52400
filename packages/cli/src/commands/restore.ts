import { boolean, string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { command } from '../command.ts'
import { withHint } from '../failure.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { openProgress } from '../progress/progress.ts'
import { attachmentFlags, wantsAttachments } from '../restore/attachments/attachment-flags.ts'
import { dataDirFlags } from '../restore/data-dir-flags.ts'
import { demandDigest, expectDigestFlag } from '../restore/expected-digest.ts'
import { findSnapshot } from '../restore/find-snapshot.ts'
import { suggesting } from '../restore/instead.ts'
import { restoreTarget } from '../restore/restore-target.ts'
import { restoredLine, restoredText } from '../restore/restored-text.ts'
import { planFlags, wantsPlan } from '../restore-plan/plan-flags.ts'
import { restoreOrSalvage } from '../salvage/restore-or-salvage.ts'
import { salvagedError, salvagedRow, salvagedText } from '../salvage/salvaged-text.ts'
import { runRestore } from '../restore/run-restore.ts'
import type { RestoreRun } from '../restore/run-restore.ts'
import { threads } from '../threads.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

export const restore = command({
  summary: 'Write a snapshot back: as a file, byte for byte, or as a data directory.',
  description:
    'SNAPSHOT is a unique prefix of an id (4 digits or more), latest, latest~1, @2026-11-01T10:00Z (newest at or before) or rev:12345. With --to, the file is what `etcdctl snapshot save` would have written. With --data-dir, etcd 3.4 to 3.7 starts from what is made, without etcdutl: one command for each member of the new cluster, with the same snapshot, --initial-cluster and token. --plan writes the steps for a whole cluster, with every command. --attachments writes the files that were stored with the snapshot. Nothing shows under its name before every chunk and the whole stream are checked.',
  examples: [
    'kpipe restore latest --to ./snap',
    'kpipe restore latest --store /mnt/kpipe --recovery-phrase-file phrase.txt --to ./snap',
    'kpipe restore 1f0c --to - | sha256sum',
    'kpipe restore 1f0c --salvage --to ./what-is-left',
    'kpipe restore 1f0c --data-dir /var/lib/etcd --name m1 --initial-cluster m1=https://10.0.0.1:2380 --initial-advertise-peer-urls https://10.0.0.1:2380',
    'kpipe restore 1f0c --plan cluster.yaml',
    'kpipe restore 1f0c --attachments ./files',
  ],
  args: { snapshot: word({ ignoreStdin: true, description: 'which snapshot; a plan may name it' }) },
  flags: {
    to: string({ helpValue: 'PATH', description: 'file to write, which must not exist; - is standard output' }),
    name: string({
      helpValue: 'NAME',
      description: 'look only at snapshots of this name; with --data-dir, name of the member, default: default',
    }),
    'snapshot-name': string({ helpValue: 'NAME', description: 'look only at snapshots of this name, with --data-dir too' }),
    'expect-digest': expectDigestFlag,
    ...dataDirFlags,
    ...planFlags,
    ...attachmentFlags,
    salvage: boolean({
      description: 'of a snapshot that is not whole, write a database of what can be read, list the lost keys and exit 65',
    }),
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    if (wantsAttachments(flags)) {
      const { restoreAttachments } = await import('../restore/attachments/restore-attachments.ts')
      return restoreAttachments({ flags, reference: args.snapshot, terminal, signal })
    }
    if (wantsPlan(flags)) {
      const { restoreCluster } = await import('../restore-plan/restore-cluster.ts')
      return restoreCluster({ flags, reference: args.snapshot, terminal, signal })
    }
    if (args.snapshot === undefined) throw new KpipeError('KPIPE_USAGE', 'restore: missing required arg snapshot')
    const target = restoreTarget(flags)
    if (flags.salvage && target.path === '-' && target.use === 'file')
      throw new KpipeError('KPIPE_USAGE', '--salvage writes a file, and --to - is standard output')
    const workers = await threads()
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const snapshot = findSnapshot(repository, args.snapshot, target, flags)
    demandDigest(snapshot, flags['expect-digest'])
    const progress = await openProgress(terminal, 'restoring')
    const remarks: string[] = []
    const run: RestoreRun = {
      repository,
      snapshot,
      workers,
      signal,
      to: target,
      stages: where.stages,
      pipeline: where.pipeline,
      overrides: where.overrides,
      onProgress: (bytes, totalBytes) => progress.update(bytes, totalBytes),
      onRemark: (message) => void remarks.push(message),
    }
    const work = (): Promise<Outcome> => (flags.salvage ? restoreOrSalvage(run, target.path) : runRestore(run))
    const { made, salvaged } = await suggesting(repository, snapshot, flags, target.words, work)
      .catch(withTrailerHint)
      .finally(() => progress.stop())
    for (const remark of remarks) terminal.warn(remark)
    // Counted from the start of the process, as the user waits.
    const bytes = salvaged?.bytes ?? snapshot.bytes
    const restored = { snapshot, target, made, bytes, seconds: performance.now() / 1000, head: repository.head }
    terminal.say(restoredText(restored))
    const line = restoredLine(restored, remarks)
    if (!flags.salvage) {
      if (terminal.json) terminal.line(line)
      return tellRollback(repository, terminal)
    }
    if (terminal.json) terminal.line({ ...line, salvaged: salvaged === undefined ? null : salvagedRow(salvaged) })
    if (salvaged === undefined) {
      terminal.say('  the snapshot is whole: nothing had to be salvaged')
      return tellRollback(repository, terminal)
    }
    if (!terminal.json) terminal.write(salvagedText(snapshot, salvaged))
    tellRollback(repository, terminal)
    throw salvagedError(snapshot, salvaged, target.path)
  },
})

type Outcome = Awaited<ReturnType<typeof restoreOrSalvage>>

function withTrailerHint(error: unknown): never {
  if (error instanceof KpipeError && error.details['missing'] === 'trailer')
    throw withHint(error, 'Give --skip-hash-check when it is a copy of `member/snap/db`, which has none.')
  throw error
}
