import { KpipeError, tagBytes } from '../contracts/index.ts'
import type { CutResult, CutTask, LookResult, LookTask } from './messages.ts'
import { blaming, chunkStage, inspectStage, tagger } from './opened-stages.ts'

/** Cuts one segment, tags its chunks, and lets the inspector look at it. */
export async function cut(task: CutTask): Promise<CutResult> {
  const { recipe, position } = task
  const bytes = new Uint8Array(task.slot, 0, task.bytes)
  const [chunk, hash] = await Promise.all([chunkStage(recipe.chunk), tagger(recipe.hash)])

  const began = performance.now()
  const ends = await blaming(recipe.chunk, () => chunk.cut(bytes, recipe.plan as never))
  refuseBadEnds(recipe.chunk.package, ends, bytes.length)
  const cutAt = performance.now()

  const tags = new Uint8Array(ends.length * tagBytes)
  await blaming(recipe.hash, () => hash.tags(bytes, ends, recipe.tagKey, tags))
  const taggedAt = performance.now()

  const seconds: Record<string, number> = {
    cut: (cutAt - began) / 1000,
    tag: (taggedAt - cutAt) / 1000,
  }
  if (!recipe.inspect) return { tags, ends, look: undefined, seconds }
  const { stage, plan } = recipe.inspect
  const inspector = await inspectStage(stage)
  const inspectAt = performance.now()
  const found = await blaming(stage, () => inspector.look(bytes, position, plan))
  seconds.inspect = (performance.now() - inspectAt) / 1000
  return { tags, ends, look: found, seconds }
}

/** Lets the inspector look at one segment of a stream that is being read back. */
export async function look(task: LookTask): Promise<LookResult> {
  const inspector = await inspectStage(task.inspect)
  const bytes = new Uint8Array(task.slot, 0, task.bytes)
  return { look: await blaming(task.inspect, () => inspector.look(bytes, task.position, task.plan)) }
}

function refuseBadEnds(stage: string, ends: Uint32Array, bytes: number): void {
  let previous = 0
  for (const end of ends) {
    if (end <= previous) throw new KpipeError('KPIPE_STAGE_FAILED', `stage ${stage} cut an empty or backward chunk at ${end}`, { stage })
    previous = end
  }
  if (previous !== bytes) {
    throw new KpipeError('KPIPE_STAGE_FAILED', `stage ${stage} cut ${previous} of ${bytes} bytes`, { stage })
  }
}
