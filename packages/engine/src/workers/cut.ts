import { KpipeError, tagBytes } from '../contracts/index.ts'
import type { EarlierLook, Tagger } from '../contracts/index.ts'
import type { CutResult, CutTask, LookResult, LookTask } from './messages.ts'
import { blaming, chunkStage, inspectStage, tagger } from './opened-stages.ts'
import { pagePrints } from './page-prints.ts'
import { readSegment } from './read-segment.ts'
import { decodeRecord } from './segment-record.ts'

/** Reads one segment unless it is there, cuts it, tags its chunks, and lets the inspector look at it. */
export async function cut(task: CutTask): Promise<CutResult> {
  const { recipe, position, printKey } = task
  const bytes = new Uint8Array(task.slot, 0, task.bytes)
  const asked = performance.now()
  if (task.from !== undefined) readSegment(task.from, bytes, position)
  const readAt = performance.now()
  const [chunk, hash] = await Promise.all([chunkStage(recipe.chunk), tagger(recipe.hash)])

  const began = performance.now()
  const ends = await blaming(recipe.chunk, () => chunk.cut(bytes, recipe.plan as never))
  refuseBadEnds(recipe.chunk.package, ends, bytes.length)
  const cutAt = performance.now()

  const earlier = earlierOf(task)
  const printed = printKey && pagePrints(bytes, printKey, earlier?.prints)
  const same = earlier && printed && withoutTail(printed.same, ends.length)
  const printedAt = performance.now()

  const tags = new Uint8Array(ends.length * tagBytes)
  let remembered = 0
  await blaming(recipe.hash, () => {
    if (same) remembered = tagChanged(task, hash, bytes, ends, same, tags)
    else hash.tags(bytes, ends, recipe.tagKey, tags)
  })
  const taggedAt = performance.now()

  const seconds: Record<string, number> = {
    cut: (cutAt - began) / 1000,
    compare: (printedAt - cutAt) / 1000,
    tag: (taggedAt - printedAt) / 1000,
    ...(task.from !== undefined && { read: (readAt - asked) / 1000 }),
  }
  const prints = printed?.prints
  if (!recipe.inspect) return { tags, ends, remembered, prints, look: undefined, seconds }
  const { stage, plan } = recipe.inspect
  const inspector = await inspectStage(stage)
  const inspectAt = performance.now()
  const before: EarlierLook | undefined = same && earlier.look.length > 0 ? { look: earlier.look, same } : undefined
  const found = await blaming(stage, () => inspector.look(bytes, position, plan, before))
  seconds.inspect = (performance.now() - inspectAt) / 1000
  return { tags, ends, remembered, prints, look: found, seconds }
}

/** What was remembered of a segment of the same place and length. */
function earlierOf({ earlier, position, bytes }: CutTask): ReturnType<typeof decodeRecord> {
  const record = earlier && decodeRecord(earlier.record)
  return record?.position === position && record.bytes === bytes ? record : undefined
}

/** One for each chunk: the rest of the stream behind its last whole page is never taken for the same. */
function withoutTail(same: Uint8Array, chunks: number): Uint8Array {
  if (same.length === chunks) return same
  const all = new Uint8Array(chunks)
  all.set(same)
  return all
}

/** Tags of pages that are the same are those of the parent, unless it has lost them. Returns how many these are. */
function tagChanged(task: CutTask, hash: Tagger, bytes: Uint8Array, ends: Uint32Array, same: Uint8Array, tags: Uint8Array): number {
  const { recipe, position } = task
  const { tags: tagsOfParent, chunks } = task.earlier!
  const first = position / recipe.plan.pageBytes
  const known = new Uint8Array(tagsOfParent, 0, chunks * tagBytes)
  tags.set(known.subarray(first * tagBytes, (first + ends.length) * tagBytes))
  const words = new Uint32Array(tags.buffer)
  const isTagged = (chunk: number): boolean => {
    const at = chunk * (tagBytes / 4)
    return same[chunk] === 1 && (words[at] !== 0 || words[at + 1] !== 0 || words[at + 2] !== 0 || words[at + 3] !== 0)
  }
  let tagged = 0
  for (let chunk = 0; chunk < ends.length; chunk++) {
    if (isTagged(chunk)) {
      tagged++
      continue
    }
    const from = chunk
    while (chunk + 1 < ends.length && !isTagged(chunk + 1)) chunk++
    const start = from === 0 ? 0 : ends[from - 1]!
    const run = ends.slice(from, chunk + 1).map((end) => end - start)
    const out = tags.subarray(from * tagBytes, (chunk + 1) * tagBytes)
    hash.tags(bytes.subarray(start, ends[chunk]), run, recipe.tagKey, out)
  }
  return tagged
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
