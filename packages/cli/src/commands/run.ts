import { string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { stageReference } from '@kpipe/engine'
import type { Repository } from '@kpipe/repository'
import { accompany } from '../backup/accompany.ts'
import { inAttempts } from '../backup/attempts.ts'
import { profileFields, profileText } from '../backup/profile.ts'
import type { RunTimes } from '../backup/profile.ts'
import { runBackup } from '../backup/run-backup.ts'
import type { BackupOutcome } from '../backup/run-backup.ts'
import { noFacts } from '../backup/run-facts.ts'
import { summaryLine, summaryText } from '../backup/summary.ts'
import { threadTimes } from '../backup/thread-times.ts'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { withRetention } from '../retention/with-retention.ts'
import { openProgress } from '../progress/progress.ts'
import { tuneForShortRun } from '../short-run.ts'
import { fileOf } from '../where/file-argument.ts'
import { endThreads, threads } from '../threads.ts'
import { memberFlag, withMember } from '../where/member.ts'
import { locate, openLocated } from '../where/open.ts'
import { storeSeconds } from '../where/timed-store.ts'

export const run = command({
  summary: 'Make one backup.',
  description:
    'Reads one snapshot from the source of the pipeline file, stores what the repository does not have, verifies it on the way, and publishes it at the end. A backup that fails or is stopped leaves nothing that anybody could take for a snapshot.',
  examples: ['kpipe run backup.yaml', 'kpipe run backup.yaml --tag pre-upgrade-1.31', 'kpipe run -c /etc/kpipe/backup.yaml --json'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    config: repositoryFlags.config,
    'key-file': repositoryFlags['key-file'],
    'recovery-phrase-file': repositoryFlags['recovery-phrase-file'],
    'password-file': repositoryFlags['password-file'],
    'expect-head': repositoryFlags['expect-head'],
    stage: repositoryFlags.stage,
    name: string({ helpValue: 'NAME', description: 'name of the snapshot, instead of the pipeline file’s' }),
    tag: string({
      helpValue: 'TAG',
      multiple: true,
      multipleNonGreedy: true,
      description: 'tag of the snapshot; may be given more than once',
    }),
    member: memberFlag,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const where = await locate({ ...flags, config: fileOf(args.file, flags.config) })
    if (where.pipeline === undefined) throw new KpipeError('KPIPE_PIPELINE_MISSING', 'a backup needs a pipeline file')
    const pipeline = withMember(where.pipeline, flags.member)
    const stages = [pipeline.chunk, pipeline.hash, pipeline.inspect, ...pipeline.codecs].filter((stage) => stage !== undefined)
    void threads()
      .then((workers) => workers.prepare(stages.map(stageReference)))
      .then(tuneForShortRun)
    const facts = noFacts(flags.name ?? pipeline.name)
    const env = process.env
    let repository: Repository | undefined
    let seconds = 0
    const isProfiled = terminal.verbosity >= 2
    let times: RunTimes = { begun: 0, streamed: 0, published: 0, store: 0, threads: [] }
    const attempt = async (count: number): Promise<BackupOutcome> => {
      facts.attempts = count
      repository ??= await openLocated(where, flags, { terminal, signal })
      facts.repositoryId = repository.id
      facts.location = repository.location
      const progress = await openProgress(terminal, 'reading')
      const begun = performance.now() / 1000
      return runBackup({
        pipeline,
        repository,
        workers: await threads('few'),
        onStreamed() {
          if (isProfiled) times = { ...times, begun, streamed: performance.now() / 1000, threads: threadTimes() }
          endThreads()
        },
        signal,
        name: flags.name,
        tags: flags.tag ?? [],
        warn: (message) => terminal.warn(message),
        explain: (message) => terminal.explain(message),
        onProgress: (bytes, totalBytes) => progress.update(bytes, totalBytes),
      }).finally(() => progress.stop())
    }
    const attention = await accompany({ pipeline, facts, terminal, signal, env }, async () => {
      const made = await inAttempts(pipeline.retry, signal, (sentence) => terminal.warn(sentence), attempt)
      // Counted from the start of the process, as the user waits.
      seconds = performance.now() / 1000
      times = { ...times, published: seconds, store: storeSeconds() }
      const outcome = await withRetention(made, repository!, where, { terminal, signal })
      if (!terminal.json && terminal.verbosity >= 0) terminal.write(summaryText(outcome, seconds))
      if (!terminal.json && isProfiled) terminal.explain(profileText(outcome.report, times))
      return outcome
    })
    // The last line, also after the hooks: it tells what failed beside the backup.
    if (terminal.json && facts.outcome !== undefined)
      terminal.line({
        ...summaryLine(facts.outcome, seconds),
        attempts: facts.attempts,
        ...(isProfiled && { profile: profileFields(times) }),
        attention,
      })
    for (const sentence of attention) terminal.warn(sentence)
    return attention.length > 0 ? 3 : 0
  },
})
