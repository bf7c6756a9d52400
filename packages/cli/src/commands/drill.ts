import { option, string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import { command } from '../command.ts'
import { drilledRow, drilledText, drillNote, stepText } from '../drill/drill-text.ts'
import { findEtcd, lineOfSnapshot } from '../drill/find-etcd.ts'
import type { EtcdChoice } from '../drill/find-etcd.ts'
import { runDrill } from '../drill/run-drill.ts'
import type { DrillOutcome } from '../drill/run-drill.ts'
import { scratchPlace } from '../drill/scratch-place.ts'
import { outputFlags, repositoryFlags, snapshotFlags } from '../flags.ts'
import { drillTextfile } from '../metrics/textfile.ts'
import { writeTextfile } from '../metrics/write-textfile.ts'
import { openProgress } from '../progress/progress.ts'
import { suggesting } from '../restore/instead.ts'
import type { Terminal } from '../terminal.ts'
import { threads } from '../threads.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

export const drill = command({
  summary: 'Prove that a snapshot restores.',
  description:
    'Restores a snapshot into a folder of its own, walks the whole database, and compares status and HashKV with what was noted when it was made. Where an etcd of the same line or a newer one is found (--etcd, else etcd-3.6 or etcd on PATH), boots it there on Unix sockets that nobody else reaches, without authentication, and compares its HashKV and keys, too: only that counts as proven. Without one the level is walked, which is said. Stops the server, removes the folder, and records the result in the repository. Exits 65 when the snapshot is not what it was.',
  examples: ['kpipe drill', 'kpipe drill 1f0c --etcd /opt/etcd-3.6/etcd --scratch /mnt/big', 'kpipe drill --level walked --json'],
  args: { snapshot: word({ ignoreStdin: true, description: 'which snapshot, default: latest; see `kpipe help restore`' }) },
  flags: {
    etcd: string({ helpValue: 'PATH', description: 'etcd to boot, of the line of the snapshot or newer' }),
    level: option({
      options: ['walked', 'booted'] as const,
      helpValue: 'walked|booted',
      description: 'how far to go; default: booted, where there is an etcd',
    })(),
    scratch: string({ helpValue: 'DIR', description: 'where to restore to; default: TMPDIR, else /var/tmp' }),
    ...snapshotFlags,
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    if (flags.level === 'walked' && flags.etcd !== undefined)
      throw new KpipeError('KPIPE_USAGE', '--etcd names an etcd to boot, and --level walked boots none')
    const workers = await threads()
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const snapshot = find(repository, args.snapshot ?? 'latest', flags.name)
    const etcd = await choose(snapshot, flags.etcd, flags.level)
    if ('path' in etcd) terminal.explain(`etcd: ${etcd.path}, version ${etcd.version}`)
    const place = await scratchPlace(flags.scratch, process.env)
    terminal.explain(`scratch: ${place}`)
    const { stages, pipeline, overrides } = where
    const progress = await openProgress(terminal, 'restoring')
    const outcome = await runDrill({
      repository,
      snapshot,
      place,
      etcd,
      workers,
      signal,
      stages,
      pipeline,
      overrides,
      onProgress: (bytes, totalBytes) => progress.update(bytes, totalBytes),
      onStep(step) {
        if (step.step === 'restore') progress.stop()
        if (!terminal.json && terminal.verbosity >= 0) terminal.write(stepText(step))
      },
      explain: (message) => terminal.explain(message),
    }).finally(() => progress.stop())
    const recorded = await record(repository, snapshot, outcome, terminal)
    const told = await tellMetrics(pipeline?.metrics?.textfile, snapshot, outcome, terminal)
    const seconds = performance.now() / 1000
    if (terminal.json) terminal.line(drilledRow(snapshot, outcome, { recorded, seconds, head: repository.head }))
    if (!outcome.passed) await suggesting(repository, snapshot, flags, [], () => Promise.reject(failureOf(snapshot, outcome)), 'drill')
    terminal.say(drilledText(snapshot, outcome, seconds))
    return tellRollback(repository, terminal) || (recorded && told ? 0 : 3)
  },
})

function find(repository: Repository, reference: string, name: string | undefined): Snapshot {
  const snapshot = repository.find(reference, name === undefined ? {} : { name })
  if (typeof snapshot.facts['status_hash'] === 'number') return snapshot
  throw new KpipeError('KPIPE_USAGE', `snapshot ${snapshot.shortId} of ${snapshot.name} holds no etcd database`, { snapshot: snapshot.id })
}

async function choose(snapshot: Snapshot, named: string | undefined, level: string | undefined): Promise<EtcdChoice> {
  if (level === 'walked') return { why: '--level walked' }
  return findEtcd(named, lineOfSnapshot(snapshot.facts), process.env['PATH'])
}

/** False, and said, when it could not be noted. */
async function record(repository: Repository, { id }: Snapshot, outcome: DrillOutcome, terminal: Terminal): Promise<boolean> {
  try {
    await repository.recordDrill(id, { level: outcome.level, passed: outcome.passed, note: drillNote(outcome) })
    return true
  } catch (error) {
    if (!(error instanceof KpipeError)) throw error
    terminal.warn(`the result could not be recorded: ${error.message}`)
    return false
  }
}

/** False, and said, when they could not be written. */
async function tellMetrics(file: string | undefined, { name }: Snapshot, outcome: DrillOutcome, terminal: Terminal): Promise<boolean> {
  if (file === undefined) return true
  const { level, passed } = outcome
  try {
    await writeTextfile(file, (previous) => drillTextfile({ name, level, passed, time: new Date(), previous }))
    return true
  } catch (error) {
    terminal.warn(`the metrics could not be written to ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
    return false
  }
}

function failureOf({ id, shortId, name }: Snapshot, outcome: DrillOutcome): KpipeError {
  const { proof } = outcome
  const message = `the drill of snapshot ${shortId} of ${name} failed: ${drillNote(outcome)}`
  return new KpipeError('KPIPE_DAMAGED', message, { ...(proof instanceof KpipeError && proof.details), snapshot: id }, { cause: proof })
}
