import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { statusOf } from '@kpipe/bolt'
import { useStage } from '@kpipe/engine'
import type { StageLoader } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Facts, SourceContext, SourceStage, SourceStream } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { withPages } from '../scratch/with-pages.ts'
import { counted, hashKvFact } from './database-steps.ts'
import type { Computed } from './database-steps.ts'
import { tryAgain } from './run-etcd.ts'
import type { RunningEtcd } from './run-etcd.ts'
import { Mismatch, NotDone } from './step.ts'
import type { Found } from './step.ts'

export interface Asking {
  readonly etcd: RunningEtcd
  readonly stages: StageLoader
  readonly signal: AbortSignal
  explain(message: string): void
}

const askEveryMs = 50
/** For HashKV, which reads all rows. */
const answerSeconds = 120
/** etcd sends pieces of 32 KiB. */
const gatheredBytes = 1 << 20
/** A process that is ending closes its connections first. */
const endsWithinMs = 1000

/**
 * Waits until the server has made itself leader of its cluster of one.
 * @throws Ended; KpipeError KPIPE_SOURCE_STALLED after the time
 */
export async function untilReady({ etcd, stages, signal }: Asking, withinMs: number): Promise<void> {
  const { stage, settings } = await sourceOf(etcd, stages)
  const giveUp = performance.now() + withinMs
  const isReady = async (): Promise<boolean> => {
    const { members } = await stage.members!(settings as never, { signal, warn: () => undefined })
    return members.some(({ leader }) => leader === true)
  }
  const notYet = (error: unknown): boolean => {
    signal.throwIfAborted()
    if (error instanceof KpipeError && error.exitCode === 69) return false
    throw error
  }
  while (!(await Promise.race([isReady().catch(notYet), etcd.failed]))) {
    if (performance.now() > giveUp) throw tooSlow(withinMs)
    await Promise.race([delay(askEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted()), etcd.failed])
  }
}

function tooSlow(withinMs: number): KpipeError {
  const message = `etcd was started on the restored snapshot and does not serve it within ${Math.round(withinMs / 1000)} s`
  const error = new KpipeError('KPIPE_SOURCE_STALLED', message)
  return withHint(error, tryAgain)
}

/**
 * Takes a snapshot of the server into a file, whose keys are counted, and has the server compute HashKV of the restored revision.
 * @throws Mismatch when it serves something else
 */
export async function compareServer(asking: Asking, file: string, computed: Computed): Promise<Found> {
  const { status: own, hashKv } = computed
  if (own === undefined || hashKv === undefined) throw new NotDone('nothing was computed to compare with')
  const { etcd, stages } = asking
  const { stage, settings } = await sourceOf(etcd, stages, { dialTimeout: answerSeconds })
  const hash = createHash('sha256')
  const context: SourceContext = {
    signal: asking.signal,
    digestSoFar: async () => hash.copy().digest(),
    warn: (message) => asking.explain(message),
    explain: (message) => asking.explain(message),
  }
  const stream = await Promise.race([stage.open(settings as never, context), etcd.failed]).catch((thrown: unknown) => whyLost(thrown, etcd))
  try {
    await Promise.race([intoFile(stream, file, hash), etcd.failed])
    const facts = { ...stream.facts, ...(await stream.end()), hash_kv: hashKvFact(hashKv) }
    const evidence = (await Promise.race([stream.confirm?.(facts), etcd.failed])) ?? { evidence: 'none', evidence_note: 'it was not asked' }
    const served = await withPages(file, statusOf)
    const problem = differenceOf(evidence, served, own)
    if (problem !== undefined) throw new Mismatch(problem)
    if (evidence['evidence'] !== 'agreed')
      throw new NotDone(`HashKV of the server cannot be compared: ${String(evidence['evidence_note'])}`)
    const moved = served.currentRevision === own.currentRevision ? '' : `, of which leases have ended since: ${served.keys} are left`
    return {
      note: `HashKV ${hashKv.hash} at revision ${hashKv.revision}, ${counted(own.keys, 'key')}${moved}: the server has the same`,
      figures: { hash: hashKv.hash, hash_revision: hashKv.revision, compact_revision: hashKv.compactRevision, keys: served.keys },
    }
  } catch (thrown) {
    return await whyLost(thrown, etcd)
  } finally {
    await stream.close()
  }
}

/** A connection that broke because the server ended: that is what counts. */
async function whyLost(thrown: unknown, { failed }: RunningEtcd): Promise<never> {
  if (thrown instanceof KpipeError && thrown.exitCode === 69) await Promise.race([failed, delay(endsWithinMs)])
  throw thrown
}

function differenceOf(
  evidence: Facts,
  served: { readonly currentRevision: number; readonly keys: number },
  own: { readonly currentRevision: number; readonly keys: number },
): string | undefined {
  if (evidence['evidence'] === 'disputed') return `the server has another history: ${String(evidence['evidence_note'])}`
  if (served.currentRevision < own.currentRevision)
    return `the server is at revision ${served.currentRevision}, the snapshot at ${own.currentRevision}`
  if (served.currentRevision === own.currentRevision && served.keys !== own.keys)
    return `the server has ${counted(served.keys, 'key')}, the snapshot ${own.keys}`
  return undefined
}

async function intoFile(stream: SourceStream, file: string, hash: ReturnType<typeof createHash>): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const gathered = Buffer.alloc(gatheredBytes)
    let filled = 0
    for await (const piece of stream.read()) {
      hash.update(piece)
      if (filled + piece.length > gatheredBytes) {
        await handle.writeFile(gathered.subarray(0, filled))
        filled = 0
      }
      if (piece.length > gatheredBytes) await handle.writeFile(piece)
      else {
        gathered.set(piece, filled)
        filled += piece.length
      }
    }
    await handle.writeFile(gathered.subarray(0, filled))
  } finally {
    await handle.close()
  }
}

/** The same source that takes snapshots, called at the socket. */
async function sourceOf(
  { endpoint }: RunningEtcd,
  stages: StageLoader,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ stage: SourceStage; settings: unknown }> {
  const { stage, settings } = await useStage(stages, 'source', 'etcd', { endpoints: [endpoint], ...more }, process.cwd())
  return { stage: stage as SourceStage, settings }
}
