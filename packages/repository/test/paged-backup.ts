import { createHash } from 'node:crypto'
import type { CodecRecord, Facts, KnownChunks, SealedStream } from '@kpipe/engine/contracts'
import type { BackupWriter, Repository, Snapshot } from '../src/index.ts'

// Drives a backup and a restore as the engine does, with a codec that changes nothing.

export const pageBytes = 64
export const codec: CodecRecord = { stage: 'identity', version: '1.0.0', settings: { level: 3 } }
const segmentChunks = 1000

export interface PagedBackup {
  readonly name?: string
  readonly member?: string
  readonly facts?: Facts
  readonly tags?: readonly string[]
  readonly frameChunks?: number
  readonly time?: Date
  readonly pageBytes?: number
  /** Length of each chunk; default: pages. */
  readonly lengths?: Uint32Array
  /** What the codec makes of a frame; default: nothing is changed. */
  readonly encode?: (plain: Buffer) => Buffer
  /** By name. */
  readonly attachments?: Readonly<Record<string, Uint8Array>>
}

export function tagOf(tagKey: Uint8Array, chunk: Uint8Array): Buffer {
  return createHash('sha256').update(tagKey).update(chunk).digest().subarray(0, 16)
}

export async function begin(repository: Repository, options: PagedBackup = {}): Promise<BackupWriter> {
  const { name = 'db', member = 'm1', lengths, pageBytes: bytes = pageBytes } = options
  return repository.begin({
    name,
    member,
    chunking: lengths ? 'content' : `page/${bytes}`,
    pageBytes: lengths ? 0 : bytes,
    codecs: [codec],
    tagAlgorithm: 'sha256',
  })
}

/** A whole backup of `bytes`. */
export async function backUp(
  repository: Repository,
  bytes: Uint8Array,
  options: PagedBackup = {},
): Promise<Awaited<ReturnType<BackupWriter['commit']>> & { fresh: number; writer: BackupWriter }> {
  const writer = await begin(repository, options)
  const fresh = await feed(repository, writer, bytes, options)
  await attach(repository, writer, options.attachments ?? {})
  return { ...(await commit(writer, bytes, options)), fresh, writer }
}

/** Hands over recipe and frames. Frames come after the recipe that names them, as they may from the engine. */
export async function feed(repository: Repository, writer: BackupWriter, bytes: Uint8Array, options: PagedBackup = {}): Promise<number> {
  const { frameChunks = 256 } = options
  const lengths = lengthsOf(bytes, options)
  const known = knownTags(writer.known, options.lengths === undefined)
  const chunks: { bytes: Uint8Array; tag: Uint8Array }[] = []
  let frames = 0
  const flush = async (): Promise<void> => {
    if (chunks.length === 0) return
    const plain = Buffer.concat(chunks.map((chunk) => chunk.bytes))
    const tags = Buffer.concat(chunks.map((chunk) => chunk.tag))
    let end = 0
    const ends = Uint32Array.from(chunks, (chunk) => (end += chunk.bytes.length))
    const stored = options.encode?.(plain) ?? plain
    const digest = createHash('sha256').update(stored).digest().subarray(0, 16)
    await writer.frame({ ordinal: frames++, bytes: stored, digest, lengths: [plain.length, stored.length], tags, ends })
    chunks.length = 0
  }
  let [place, fresh] = [0, 0]
  for (let first = 0; first < lengths.length; first += segmentChunks) {
    const count = Math.min(segmentChunks, lengths.length - first)
    const tags = new Uint8Array(count * 16)
    const origins = new Int32Array(count)
    const pending: (() => Promise<void>)[] = []
    for (let at = 0; at < count; at++) {
      const chunk = bytes.subarray(place, (place += lengths[first + at]))
      const tag = tagOf(repository.tagKey, chunk)
      tags.set(tag, at * 16)
      const origin = known(tag, first + at)
      origins[at] = origin ?? ~Math.floor(fresh / frameChunks)
      if (origin !== undefined) continue
      fresh += 1
      const flushes = fresh % frameChunks === 0
      pending.push(async () => {
        chunks.push({ bytes: chunk, tag })
        if (flushes) await flush()
      })
    }
    writer.recipe({ tags, lengths: lengths.slice(first, first + count), origins })
    for (const step of pending) await step()
  }
  await flush()
  return fresh
}

export function commit(writer: BackupWriter, bytes: Uint8Array, options: PagedBackup = {}): ReturnType<BackupWriter['commit']> {
  const { facts = {}, tags = [], time = new Date() } = options
  const digest = createHash('sha256').update(bytes).digest()
  const chunks = lengthsOf(bytes, options).length
  return writer.commit({ bytes: bytes.length, digest, chunks, facts, tags, stages: [codec], statistics: {}, time })
}

/** Chunks of an attachment are so long here. */
export const pieceBytes = 100

/** Hands over attachments; their fresh chunks in one frame. Resolves with the number of these. */
export async function attach(
  repository: Repository,
  { attachments }: BackupWriter,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<number> {
  const plan = { id: `piece/${pieceBytes}`, pageBytes: pieceBytes }
  const fresh: { bytes: Uint8Array; tag: Uint8Array }[] = []
  for (const [name, bytes] of Object.entries(files)) {
    const digest = createHash('sha256').update(bytes).digest()
    const known = await attachments.known(name, digest)
    const isKnown = known === undefined || known.plan !== plan.id ? () => undefined : knownTags(known, true)
    const count = Math.ceil(bytes.length / pieceBytes)
    const chunks = Array.from({ length: count }, (_, at) => bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes))
    const tags = chunks.map((chunk) => tagOf(repository.tagKey, chunk))
    const origins = Int32Array.from(chunks, (chunk, at) => {
      const origin = isKnown(tags[at], at)
      if (origin === undefined) fresh.push({ bytes: chunk, tag: tags[at] })
      return origin ?? ~0
    })
    const lengths = Uint32Array.from(chunks, (chunk) => chunk.length)
    attachments.add({ name, bytes: bytes.length, digest, plan, recipe: { tags: Buffer.concat(tags), lengths, origins } })
  }
  if (fresh.length > 0) {
    const plain = Buffer.concat(fresh.map(({ bytes }) => bytes))
    const digest = createHash('sha256').update(plain).digest().subarray(0, 16)
    let end = 0
    const ends = Uint32Array.from(fresh, ({ bytes }) => (end += bytes.length))
    const tags = Buffer.concat(fresh.map(({ tag }) => tag))
    await attachments.frame({ ordinal: 0, bytes: plain, digest, lengths: [plain.length, plain.length], tags, ends })
  }
  return fresh.length
}

/** Puts a snapshot together again, checking every tag. */
export async function restore(repository: Repository, snapshot: Snapshot, attachment?: string): Promise<Buffer> {
  const stream = await repository.openStream(snapshot, attachment)
  const frames = new Map<number, Awaited<ReturnType<SealedStream['load']>>>()
  const out = Buffer.alloc(stream.bytes)
  for (let chunk = 0; chunk < stream.chunks; chunk++) {
    const index = stream.frameOf[chunk]
    let frame = frames.get(index)
    if (frame === undefined) frames.set(index, (frame = await stream.load(index)))
    const slot = stream.slotOf[chunk]
    const bytes = frame.bytes.subarray(slot === 0 ? 0 : frame.ends[slot - 1], frame.ends[slot])
    if (Buffer.compare(tagOf(stream.tagKey, bytes), stream.tags.subarray(chunk * 16, chunk * 16 + 16)) !== 0)
      throw new Error(`chunk ${chunk} has another tag`)
    if (stream.starts(chunk) + bytes.length !== stream.starts(chunk + 1)) throw new Error(`chunk ${chunk} has another length`)
    out.set(bytes, stream.starts(chunk))
  }
  if (Buffer.compare(createHash('sha256').update(out).digest(), stream.digest) !== 0) throw new Error('the digest does not match')
  return out
}

function lengthsOf(bytes: Uint8Array, { lengths, pageBytes: length = pageBytes }: PagedBackup): Uint32Array {
  const pages = Math.ceil(bytes.length / length)
  return lengths ?? Uint32Array.from({ length: pages }, (_, index) => Math.min(length, bytes.length - index * length))
}

/** By position for pages, by look-up otherwise. */
function knownTags(known: KnownChunks | undefined, byPosition: boolean): (tag: Buffer, position: number) => number | undefined {
  if (known === undefined) return () => undefined
  const tags = Buffer.from(known.tags)
  if (byPosition)
    return (tag, position) =>
      position < known.count && tag.equals(tags.subarray(position * 16, position * 16 + 16)) ? position : undefined
  const index = new Map(
    Array.from({ length: known.count }, (_, position) => [tags.toString('hex', position * 16, position * 16 + 16), position]),
  )
  return (tag) => index.get(tag.toString('hex'))
}
