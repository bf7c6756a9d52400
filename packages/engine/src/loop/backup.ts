import type {
  ChunkPlan,
  ChunkStage,
  CodecSecrets,
  CodecStage,
  Facts,
  HashStage,
  InspectCollector,
  InspectStage,
  KnownChunks,
  Sink,
  SourceStream,
  StreamMemory,
} from '../contracts/index.ts'
import { KpipeError } from '../contracts/index.ts'
import { inspectSecret } from '../inspect-secret.ts'
import type { LoadedStage } from '../stages/index.ts'
import type { CutRecipe } from '../workers/messages.ts'
import { printKeyFor } from '../workers/page-prints.ts'
import { encodeRecord } from '../workers/segment-record.ts'
import { stageReference } from '../workers/stage-reference.ts'
import type { Workers } from '../workers/workers.ts'
import { CutWindow } from './cut-window.ts'
import { EncodeWindow } from './encode-window.ts'
import { FrameFiller } from './frame-filler.ts'
import { Gatherer } from './gatherer.ts'
import { closedOnce, heldTooLong } from './held-source.ts'
import type { HeldSource } from './held-source.ts'
import { openIntake } from './intake.ts'
import { Interruption } from './interruption.ts'
import { type BackupLimits, defaultLimits } from './limits.ts'
import type { Segment } from './segments.ts'
import { StageSeconds } from './stage-seconds.ts'
import type { StreamDigest } from './stream-digest.ts'

/** What the caller opens once the way of cutting is known. */
export interface OpenedSink {
  readonly sink: Sink
  readonly known: KnownChunks | undefined
  readonly secrets: CodecSecrets
  /** What this host remembers of the stream that `known` is of. */
  readonly memory?: StreamMemory | undefined
}

export interface BackupProgress {
  readonly bytes: number
  /** Undefined while the source does not know. */
  readonly totalBytes: number | undefined
  readonly bytesFresh: number
}

export interface BackupOptions {
  readonly stream: SourceStream
  /** The one that the source's `digestSoFar` reads. */
  readonly digest: StreamDigest
  readonly chunk: LoadedStage<ChunkStage>
  readonly hash: LoadedStage<HashStage>
  readonly inspect: LoadedStage<InspectStage> | undefined
  readonly codecs: readonly LoadedStage<CodecStage>[]
  readonly workers: Workers
  /** 64 bytes. */
  readonly tagKey: Uint8Array
  /** The first segments are cut while it is under way. */
  readonly openSink: (plan: ChunkPlan) => Promise<OpenedSink>
  readonly signal: AbortSignal
  readonly onProgress?: (progress: BackupProgress) => void
  readonly limits?: Partial<BackupLimits>
}

export interface BackupReport {
  readonly bytes: number
  /** SHA-256 of the stream, 32 bytes. */
  readonly digest: Uint8Array
  readonly plan: ChunkPlan
  readonly chunks: number
  readonly chunksFresh: number
  /** Chunks that are as this host remembers them from the parent's stream. */
  readonly chunksRemembered: number
  readonly bytesFresh: number
  readonly bytesEncoded: number
  /** The source's first and last facts, what the inspector read in the bytes, and what others than the stream confirmed. */
  readonly facts: Facts
  /** Seconds by stage, summed over threads. Of work; but `read` is time waited for the source, and `pack` for the sink to take a frame. */
  readonly seconds: Readonly<Record<string, number>>
}

/**
 * Takes a stream through all stages into a sink. One loop on this thread owns the order; it resolves when the last
 * frame is with the sink, and leaves it to the caller to publish. The source is closed in any case, as soon as its
 * last byte is there and confirmed.
 * @throws KpipeError of the source, a stage or the sink; KPIPE_STORE_STALLED, KPIPE_HELD_TOO_LONG, KPIPE_INTERRUPTED
 */
export async function backup(options: BackupOptions): Promise<BackupReport> {
  const interruption = new Interruption(options.signal)
  const limits = { ...defaultLimits, ...options.limits }
  const released = interruption.after(limits.maxHoldMs, () => heldTooLong(limits.maxHoldMs))
  const source = closedOnce(options.stream, released)
  try {
    return await stream(options, limits, interruption, source)
  } finally {
    interruption.close()
    await source.close()
  }
}

async function stream(options: BackupOptions, limits: BackupLimits, interruption: Interruption, source: HeldSource): Promise<BackupReport> {
  const { stream, digest, workers } = options
  const seconds = new StageSeconds()
  let bytes = 0
  let opened: Awaited<ReturnType<typeof open>> | undefined
  const onBytes = (more: number): void => {
    bytes += more
    options.onProgress?.({ bytes, totalBytes: stream.bytes, bytesFresh: opened?.gatherer.bytesFresh ?? 0 })
  }
  const intake = await openIntake(stream, digest, interruption, seconds, onBytes)
  const chunkStage = options.chunk.stage as ChunkStage<unknown>
  const plan = chunkStage.plan(intake.head, options.chunk.settings)
  const inspectPlan = options.inspect?.stage.plan(intake.head, plan, inspectSecret(options.tagKey))
  const collector = inspectPlan && options.inspect?.stage.collect(inspectPlan)

  const opening = options.openSink(plan)
  opening.catch(() => {}) // Told by `open`, which waits for it.
  const recipe: CutRecipe = {
    chunk: stageReference(options.chunk),
    plan,
    hash: stageReference(options.hash),
    tagKey: options.tagKey,
    inspect: options.inspect && inspectPlan ? { stage: stageReference(options.inspect), plan: inspectPlan } : undefined,
  }
  const feed = intake.feed(chunkStage, plan, limits.segmentBytes)
  const cuts = new CutWindow(workers, recipe)
  const settle = async <Value>(work: Promise<Value>) => await stalling(interruption, limits.stallTimeoutMs, work)
  const open = async () => {
    const { sink, known, secrets, memory } = await settle(opening)
    if (known !== undefined) cuts.widen()
    const filler = new FrameFiller(limits.frameBytes)
    const encodes = new EncodeWindow(workers, options.codecs.map(stageReference), secrets, plan.pageBytes, filler, sink, seconds)
    return { encodes, gatherer: new Gatherer({ plan, known, collector, filler, encodes, sink, seconds }), known, memory }
  }
  const printKey = printKeyFor(options.tagKey, plan.pageBytes)
  /** The first segments are printed before it is known whether anybody remembers. */
  const memoryOf = async ({ number }: Segment) => {
    if (opened === undefined) return { printKey }
    const { known, memory } = opened
    if (memory === undefined) return {}
    const record = known && (await interruption.or(memory.recall(number)))
    return { printKey, earlier: record && { record, tags: known.tags, chunks: known.count } }
  }
  const settleOldestFrame = async (encodes: EncodeWindow) => {
    // The time of a stage is not the store's.
    await interruption.or(encodes.oldest())
    await settle(encodes.storeOldest())
  }
  const settleOldestCut = async () => {
    opened ??= await open()
    while (opened.encodes.full) await settleOldestFrame(opened.encodes)
    const { segment, cut } = await interruption.or(cuts.oldest()).catch((error: unknown) => {
      throw feed.failure(error)
    })
    await feed.passed(segment, cut.seconds)
    if (cut.prints) opened.memory?.remember(encodeRecord({ ...segment, prints: cut.prints, look: cut.look ?? new Uint8Array(0) }))
    opened.gatherer.take(segment, cut)
    feed.release(segment)
    if (hasMuchToDo(plan, opened.gatherer) || feed.isSlow) workers.grow()
  }
  const mayAdmit = () => !cuts.full && (opened !== undefined || cuts.pending < mostEarly)

  while (await feed.ready()) {
    while (!mayAdmit()) await settleOldestCut()
    const segment = feed.take()
    cuts.admit(segment, { from: feed.from, ...(await memoryOf(segment)) })
  }
  if (feed.from !== undefined) while (cuts.pending > 0) await settleOldestCut()
  const endFacts = await interruption.or(stream.end())
  if (stream.bytes !== undefined && stream.bytes !== bytes) throw sizeMismatch(stream.bytes, bytes)
  source.release()
  if (stream.confirm === undefined) await source.close()

  while (cuts.pending > 0) await settleOldestCut()
  const { encodes, gatherer } = (opened ??= await open())
  gatherer.finish()
  const began = performance.now()
  const facts = { ...stream.facts, ...endFacts, ...(await conclude(collector, interruption)) }
  seconds.add('conclude', (performance.now() - began) / 1000)
  const confirming = stream.confirm?.(facts).finally(() => source.close())
  confirming?.catch(() => {}) // Told when it is awaited, after the last frames.
  while (encodes.pending > 0) await settleOldestFrame(encodes)
  const confirmed = confirming && (await interruption.or(confirming))
  seconds.add('digest', digest.seconds)
  return {
    bytes,
    digest: await digest.soFar(),
    plan,
    chunks: gatherer.chunks,
    chunksFresh: gatherer.chunksFresh,
    chunksRemembered: gatherer.chunksRemembered,
    bytesFresh: gatherer.bytesFresh,
    bytesEncoded: encodes.bytesEncoded,
    facts: { ...facts, ...confirmed },
    seconds: seconds.all(),
  }
}

/** Segments that are cut before it is known what the parent has and what is remembered of it: they are tagged and looked at in any case. */
const mostEarly = 4

/** To look for anchors, or to compress most of what comes, takes a thread far longer than to find pages that the parent has. */
function hasMuchToDo(plan: ChunkPlan, { bytesFresh, bytes }: Gatherer): boolean {
  return plan.pageBytes === 0 || (bytesFresh > 8 * 1024 * 1024 && bytesFresh > bytes / 2)
}

async function conclude(collector: InspectCollector | undefined, interruption: Interruption): Promise<Facts> {
  return collector ? await interruption.or(collector.conclude()) : {}
}

async function stalling<Value>(interruption: Interruption, ms: number, work: Promise<Value>): Promise<Value> {
  const settled = interruption.after(ms, () => new KpipeError('KPIPE_STORE_STALLED', `the store made no progress for ${ms / 1000} s`))
  try {
    return await interruption.or(work)
  } finally {
    settled()
  }
}

function sizeMismatch(expected: number, seen: number): KpipeError {
  return new KpipeError('KPIPE_SIZE_MISMATCH', `the source announced ${expected} bytes and sent ${seen}`, { expected, seen })
}
