import { backup, storeAttachments, streamDigest } from '@kpipe/engine'
import type { BackupReport, LoadedStage, Pipeline, StreamDigest, Workers } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { ChunkPlan, CodecRecord, SourceContext, SourceStream } from '@kpipe/engine/contracts'
import type { BackupWriter, Repository, Snapshot } from '@kpipe/repository'
import type { Retained } from '../retention/retain.ts'
import { factsToHeed } from './facts-to-heed.ts'
import { attachmentFacts, readAttachments } from './read-attachments.ts'
import type { AttachedFile, AttachedFiles } from './read-attachments.ts'
import { stageRecord } from './stage-record.ts'

export interface BackupRun {
  readonly pipeline: Pipeline
  readonly repository: Repository
  readonly workers: Workers
  /** Instead of the pipeline's name. */
  readonly name: string | undefined
  readonly tags: readonly string[]
  readonly signal: AbortSignal
  warn(message: string): void
  explain(message: string): void
  onProgress(bytes: number, totalBytes: number | undefined): void
  /** Called when the workers have nothing more to do: ending them takes as long as publishing. */
  onStreamed(): void
}

export interface BackupOutcome {
  readonly snapshot: Snapshot
  /** `<n>:<64 hex>` after this backup. */
  readonly head: string
  /** Bytes of the objects that this backup added to the store. */
  readonly bytesStored: number
  readonly report: BackupReport
  /** Files that were stored with it. */
  readonly attached: readonly AttachedFile[]
  /** What became of older snapshots, when the pipeline file says something of that. */
  readonly retained?: Retained | undefined
  /** How often another member had to give a stream, as one broke. */
  readonly startedOver: number
  /** Sentences about what needs a look although the backup is done. */
  readonly attention: readonly string[]
}

/** One backup; where the source breaks in mid-stream and has another member, from that one, at once and from the beginning. */
export async function runBackup(run: BackupRun): Promise<BackupOutcome> {
  const { source, attach } = run.pipeline
  const attached = await readAttachments(attach)
  let open = (context: SourceContext) => source.stage.open(source.settings as never, context)
  for (let startedOver = 0; ; startedOver += 1) {
    const digest = streamDigest()
    const stream = await open(contextOf(run, digest))
    const { elsewhere } = stream
    try {
      return { ...(await backUpStream(run, stream, digest, attached)), startedOver }
    } catch (error) {
      run.signal.throwIfAborted()
      if (elsewhere === undefined || !isOfStream(error)) throw error
      run.warn(`${messageOf(error)}; starting over with another member`)
      open = (context) => elsewhere(context)
    }
  }
}

function contextOf({ pipeline, repository, name, signal, warn, explain }: BackupRun, digest: StreamDigest): SourceContext {
  return {
    signal,
    digestSoFar: () => digest.soFar(),
    warn,
    explain,
    previousMember: (ownName) => repository.snapshots({ name: name ?? pipeline.name ?? ownName }).at(-1)?.member,
  }
}

/** What another member may do better: the stream broke, or its bytes are wrong. */
function isOfStream(error: unknown): boolean {
  return error instanceof KpipeError && /^KPIPE_(SOURCE_\w+|TRAILER_MISMATCH|SIZE_MISMATCH|BOLT_INVALID)$/.test(error.code)
}

/**
 * The source has answered; the writer is announced, the bytes stream, and only then the snapshot is published. Whatever fails after the
 * announcement ends it in the log, so that nobody waits for this writer.
 */
async function backUpStream(
  run: BackupRun,
  stream: SourceStream,
  digest: StreamDigest,
  attached: AttachedFiles,
): Promise<Omit<BackupOutcome, 'startedOver'>> {
  const { pipeline, repository, signal } = run
  let begun: Promise<BackupWriter> | undefined
  try {
    const report = await backup({
      stream,
      digest,
      signal,
      workers: run.workers,
      chunk: pipeline.chunk,
      hash: pipeline.hash,
      inspect: pipeline.inspect,
      codecs: pipeline.codecs,
      limits: pipeline.limits,
      tagKey: repository.tagKey,
      onProgress: ({ bytes, totalBytes }) => run.onProgress(bytes, totalBytes),
      openSink: async (plan) => {
        // Known at once: whatever fails meanwhile has it ended in the log.
        begun = begin(run, stream, plan)
        const writer = await begun
        const { known, memory } = writer
        return { sink: writer, known, memory, secrets: repository.secrets(pipeline.codecs.map(stageRecord)) }
      },
    })
    signal.throwIfAborted()
    if (begun === undefined) throw new Error('the stream ended before a sink was opened')
    const writer = await begun
    if (attached.files.length > 0) {
      await storeAttachments({
        files: attached.files,
        sink: writer.attachments,
        hash: pipeline.hash,
        codecs: pipeline.codecs,
        secrets: repository.secrets(pipeline.codecs.map(stageRecord)),
        tagKey: repository.tagKey,
        workers: run.workers,
        signal,
      })
    }
    run.onStreamed()
    return await publish(run, writer, report, attached)
  } catch (error) {
    await endInLog(begun, error, run.warn)
    throw located(error, repository)
  }
}

async function begin(run: BackupRun, stream: SourceStream, plan: ChunkPlan): Promise<BackupWriter> {
  const { pipeline, repository } = run
  const tagAlgorithm = await taggerName(pipeline)
  const codecs = pipeline.codecs.map(stageRecord)
  return repository.begin({ ...nameOf(run, stream), chunking: plan.id, pageBytes: plan.pageBytes, codecs, tagAlgorithm })
}

/** The loop, which knows no repository, cannot say which store it waited for. */
function located(error: unknown, { location }: Repository): unknown {
  if (!(error instanceof KpipeError) || error.code !== 'KPIPE_STORE_STALLED' || error.message.includes(location)) return error
  return new KpipeError(error.code, `${error.message}: ${location}`, { ...error.details, location }, { cause: error })
}

/** How long a store gets to take the entry that ends a failed backup: a store that hangs may be why it failed. */
const endTimeoutMs = 5000

async function endInLog(begun: Promise<BackupWriter> | undefined, error: unknown, warn: (message: string) => void): Promise<void> {
  if (begun === undefined) return
  const reason = messageOf(error)
  // It keeps the process alive: a store that hangs may leave nothing else that does.
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, fail) => {
    timer = setTimeout(() => fail(new Error(`the store did not answer within ${endTimeoutMs / 1000} s`)), endTimeoutMs)
  })
  // A backup that was never announced has nothing to end.
  const writer = begun.catch(() => undefined)
  const ended = writer.then((announced) => announced?.abort(reason))
  await Promise.race([ended, timeout]).catch((failed: unknown) => {
    warn(`the log does not say yet that this backup ended: ${messageOf(failed)}`)
  })
  clearTimeout(timer)
}

async function publish(
  { pipeline, tags }: BackupRun,
  writer: BackupWriter,
  report: BackupReport,
  attached: AttachedFiles,
): Promise<Omit<BackupOutcome, 'startedOver'>> {
  const { bytes, digest, chunks } = report
  const facts = pipeline.attach.length === 0 ? report.facts : { ...report.facts, attachments: attachmentFacts(attached.files) }
  const { snapshot, head, attention } = await writer.commit({
    bytes,
    digest,
    chunks,
    facts,
    tags,
    stages: stagesOf(pipeline),
    statistics: { chunks_fresh: report.chunksFresh, bytes_fresh: report.bytesFresh, bytes_encoded: report.bytesEncoded },
    time: new Date(),
  })
  const sentences = [...factsToHeed(facts), ...attached.attention, ...attention]
  return { snapshot, head, attention: sentences, bytesStored: writer.bytesStored, report, attached: attached.files }
}

function nameOf({ name, pipeline }: BackupRun, stream: SourceStream): { name: string; member: string } {
  return { name: name ?? pipeline.name ?? stream.name, member: stream.member }
}

/** The repository refuses tags of another algorithm than its own. */
async function taggerName({ hash }: Pipeline): Promise<string> {
  return (await hash.stage.open(hash.settings as never)).algorithm
}

function stagesOf({ source, chunk, hash, inspect, codecs }: Pipeline): CodecRecord[] {
  const all: (LoadedStage<unknown> | undefined)[] = [source, chunk, hash, inspect, ...codecs]
  return all.filter((stage) => stage !== undefined).map(stageRecord)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
