import type {
  CodecRecord,
  CodecStage,
  Facts,
  HashStage,
  InspectCollector,
  InspectPlan,
  InspectStage,
  SealedStream,
} from '../contracts/index.ts'
import { inspectSecret } from '../inspect-secret.ts'
import { Interruption } from '../loop/interruption.ts'
import type { LoadedStage } from '../stages/index.ts'
import { stageReference } from '../workers/stage-reference.ts'
import type { Workers } from '../workers/workers.ts'
import { defaultCacheBytes, readInOrder } from './in-order.ts'

export interface InspectSealedOptions {
  readonly stream: SealedStream
  readonly inspect: LoadedStage<InspectStage>
  readonly hash: LoadedStage<HashStage>
  readonly codec: (record: CodecRecord) => Promise<LoadedStage<CodecStage>>
  /** Id of the plan that cut the stream. */
  readonly chunking: string
  readonly workers: Workers
  readonly signal: AbortSignal
}

const segmentBytes = 2 * 1024 * 1024

/**
 * Reads a snapshot's facts out of its stored bytes, without writing them anywhere. Empty when the inspector has
 * nothing to say of such bytes.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED, KPIPE_BOLT_INVALID, KPIPE_INTERRUPTED
 */
export async function inspectSealed(options: InspectSealedOptions): Promise<Facts> {
  const interruption = new Interruption(options.signal)
  try {
    return await inspectSegments(options, interruption)
  } finally {
    interruption.close()
  }
}

async function inspectSegments(options: InspectSealedOptions, interruption: Interruption): Promise<Facts> {
  const { stream, workers } = options
  const { stage } = options.inspect
  const reference = stageReference(options.inspect)
  const pieces = readInOrder({ ...options, cacheBytes: defaultCacheBytes })
  const slot = new SharedArrayBuffer(segmentBytes)
  const view = new Uint8Array(slot)
  let filled = 0
  let position = 0
  let plan: InspectPlan | undefined
  let collector: InspectCollector | undefined

  const inspect = async (): Promise<boolean> => {
    const bytes = view.subarray(0, filled)
    if (position === 0) {
      const chunking = { id: options.chunking, pageBytes: stream.pageBytes }
      plan = stage.plan(new Uint8Array(bytes.subarray(0, 64 * 1024)), chunking, inspectSecret(stream.tagKey))
      collector = plan && stage.collect(plan)
    }
    if (!collector || !plan) return false
    const task = { kind: 'look', inspect: reference, plan, slot, bytes: filled, position } as const
    const { look } = await interruption.or(workers.look(task))
    collector.take(look, bytes, position)
    position += filled
    filled = 0
    return true
  }

  for (;;) {
    const next = await interruption.or(pieces.next())
    if (next.done) break
    for (let offset = 0; offset < next.value.length;) {
      const taken = Math.min(next.value.length - offset, segmentBytes - filled)
      view.set(next.value.subarray(offset, offset + taken), filled)
      filled += taken
      offset += taken
      if (filled === segmentBytes && !(await inspect())) return {}
    }
  }
  if (filled > 0 && !(await inspect())) return {}
  return collector ? await interruption.or(collector.conclude()) : {}
}
