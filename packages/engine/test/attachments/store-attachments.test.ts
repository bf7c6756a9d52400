import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { AttachmentSink, EncodedFrame, KnownChunks, StoredAttachment } from '../../src/contracts/index.ts'
import { type AttachmentBytes, startWorkers, storeAttachments } from '../../src/index.ts'
import { shaStage, xorStage } from '../stages/loaded.ts'
import { secrets, sha256, tagKey } from '../stages/memory-sink.ts'

const pieceBytes = 2 ** 20
const workers = startWorkers({ threads: 1 })
t.after(() => workers.close())

/** Keeps what it is given; what another one has counts as the parent's. */
class MemoryAttachments implements AttachmentSink {
  readonly frames: EncodedFrame[] = []
  readonly added: StoredAttachment[] = []
  readonly parent: MemoryAttachments | undefined
  readonly lost: number | undefined
  asked = 0

  constructor(parent?: MemoryAttachments, lost?: number) {
    this.parent = parent
    this.lost = lost
  }

  async known(name: string, digest: Uint8Array): Promise<KnownChunks | undefined> {
    this.asked += 1
    const found = this.parent?.added.find((each) => each.name === name && Buffer.compare(each.digest, digest) === 0)
    if (found === undefined) return undefined
    const tags = new SharedArrayBuffer(found.recipe.tags.length)
    new Uint8Array(tags).set(found.recipe.tags)
    if (this.lost !== undefined) new Uint8Array(tags).fill(0, this.lost * 16, this.lost * 16 + 16)
    return { plan: found.plan.id, count: found.recipe.origins.length, tags }
  }

  async frame(frame: EncodedFrame): Promise<void> {
    if (frame.ordinal !== this.frames.length) throw new Error(`frame ${frame.ordinal} came as number ${this.frames.length}`)
    this.frames.push(frame)
  }

  add(attachment: StoredAttachment): void {
    this.added.push(attachment)
  }

  /** Bytes of the chunks, found by their tags in this sink's frames and its parents'. */
  rebuilt({ recipe }: StoredAttachment): Buffer {
    const all = [...this.frames, ...(this.parent?.frames ?? [])]
    const parts = Array.from(recipe.lengths, (length, chunk) => {
      const tag = recipe.tags.subarray(chunk * 16, chunk * 16 + 16)
      for (const { tags, ends, bytes } of all) {
        for (let slot = 0; slot < ends.length; slot++) {
          if (Buffer.compare(tags.subarray(slot * 16, slot * 16 + 16), tag) !== 0) continue
          const end = ends[slot]!
          return bytes.subarray(end - length, end).map((byte) => byte ^ 0x5a)
        }
      }
      throw new Error(`chunk ${chunk} is in no frame`)
    })
    return Buffer.concat(parts)
  }
}

function store(files: readonly AttachmentBytes[], sink: AttachmentSink): Promise<number> {
  const signal = new AbortController().signal
  return storeAttachments({ files, sink, hash: shaStage, codecs: [xorStage()], secrets, tagKey, workers, signal })
}

const small = (count: number): AttachmentBytes[] =>
  Array.from({ length: count }, (_, index) => ({ name: `file ${index}`, bytes: randomBytes(10 + index) }))

t.test('small files share a frame, an empty one needs none, and every one comes back', async (t) => {
  const sink = new MemoryAttachments()
  const files = [...small(40), { name: 'empty', bytes: new Uint8Array(0) }]
  t.equal(await store(files, sink), files.reduce((sum, { bytes }) => sum + bytes.length, 0)) // prettier-ignore
  t.equal(sink.frames.length, 1)
  t.same(sink.added.map(({ name }) => name), files.map(({ name }) => name)) // prettier-ignore
  for (const [index, added] of sink.added.entries()) {
    t.ok(sink.rebuilt(added).equals(files[index]!.bytes), added.name)
    t.same(Buffer.from(added.digest), Buffer.from(sha256(files[index]!.bytes)))
  }
})

t.test('a large file is cut into pieces of one length, which fill several frames', async (t) => {
  const sink = new MemoryAttachments()
  const files = [{ name: 'large', bytes: randomBytes(9 * pieceBytes + 5) }, ...small(2)]
  await store(files, sink)
  const [large] = sink.added
  t.same(large!.plan, { id: `piece/${pieceBytes}`, pageBytes: pieceBytes })
  t.equal(large!.recipe.origins.length, 10)
  t.ok(sink.frames.length > 2, `${sink.frames.length} frames`)
  for (const [index, added] of sink.added.entries()) t.ok(sink.rebuilt(added).equals(files[index]!.bytes))
})

t.test('what the parent has is not stored again, and what it has lost is', async (t) => {
  const parent = new MemoryAttachments()
  const files = [{ name: 'large', bytes: randomBytes(2 * pieceBytes + 5) }, ...small(3)]
  await store(files, parent)
  const again = new MemoryAttachments(parent)
  t.equal(await store(files, again), 0)
  t.equal(again.asked, files.length)
  t.equal(again.frames.length, 0)
  t.same(again.added.map(({ recipe }) => Array.from(recipe.origins)), [[0, 1, 2], [0], [0], [0]]) // prettier-ignore

  const withLoss = new MemoryAttachments(parent, 1)
  t.equal(await store(files.slice(0, 1), withLoss), pieceBytes)
  t.same(Array.from(withLoss.added[0]!.recipe.origins), [0, ~0, 2])
  t.ok(withLoss.rebuilt(withLoss.added[0]!).equals(files[0]!.bytes))
})
