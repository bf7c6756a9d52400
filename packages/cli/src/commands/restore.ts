import { string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags, snapshotFlags } from '../flags.ts'
import { sizeText } from '../output/size-text.ts'
import { durationText } from '../output/time-text.ts'
import { openProgress } from '../progress/progress.ts'
import { suggesting } from '../restore/instead.ts'
import { runRestore } from '../restore/run-restore.ts'
import { threads } from '../threads.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

export const restore = command({
  summary: 'Write a snapshot back, byte for byte.',
  description:
    'SNAPSHOT is a unique prefix of an id (4 digits or more), latest, latest~1, @2026-11-01T10:00Z (newest at or before) or rev:12345. The file is what `etcdctl snapshot save` would have written; `etcdutl snapshot restore` takes it. Nothing shows under its name before every chunk and the whole stream are checked.',
  examples: [
    'kpipe restore latest --to ./snap',
    'kpipe restore latest --store /mnt/kpipe --recovery-phrase-file phrase.txt --to ./snap',
    'kpipe restore 1f0c --to - | sha256sum',
  ],
  args: { snapshot: word({ required: true, ignoreStdin: true, description: 'which snapshot' }) },
  flags: {
    to: string({ required: true, helpValue: 'PATH', description: 'file to write, which must not exist; - is standard output' }),
    ...snapshotFlags,
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const workers = await threads()
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const snapshot = repository.find(args.snapshot, flags.name === undefined ? {} : { name: flags.name })
    const progress = await openProgress(terminal, 'restoring')
    await suggesting(repository, snapshot, flags, () =>
      runRestore({
        repository,
        snapshot,
        workers,
        signal,
        to: flags.to,
        stages: where.stages,
        pipeline: where.pipeline,
        overrides: where.overrides,
        onProgress: (bytes, totalBytes) => progress.update(bytes, totalBytes),
      }),
    ).finally(() => progress.stop())
    // Counted from the start of the process, as the user waits.
    const seconds = performance.now() / 1000
    const written = `${sizeText(snapshot.bytes)} written to ${flags.to} in ${durationText(seconds)}`
    terminal.say(`snapshot ${snapshot.shortId} of ${snapshot.name}: ${written}\n  head    ${repository.head}`)
    if (terminal.json) {
      terminal.line({
        message_type: 'summary',
        snapshot_id: snapshot.id,
        name: snapshot.name,
        to: flags.to,
        bytes_written: snapshot.bytes,
        duration_ms: Math.round(seconds * 1000),
        head: repository.head,
      })
    }
    return tellRollback(repository, terminal)
  },
})
