import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { EncodedFrame, KnownChunks, RecipeSegment } from '@kpipe/engine/contracts'
import { maxChunks, maxFrameBytes } from './bounds.ts'
import { AttachmentWriter } from './attachment-writer.ts'
import type { BackupWriter, BeginOptions, CommitOptions, Committed } from './backup.ts'
import { mendOlder } from './damage/mend.ts'
import { giveBack } from './give-back.ts'
import { encodePackNumbers } from './log/pack-numbers.ts'
import type { NewPack, SnapshotEntry } from './log/payload.ts'
import type { LogState } from './log/state.ts'
import type { TagsByPack } from './log/tags-by-pack.ts'
import { databaseStream, encodeManifest, maxInlineManifestBytes } from './manifest.ts'
import type { Manifest, ManifestStream } from './manifest.ts'
import type { FrameKind } from './packs/directory.ts'
import { PackOutput } from './packs/pack-output.ts'
import { sealUnitFrame, unitTag } from './packs/unit-frame.ts'
import { packId } from './log/new-packs.ts'
import { otherCluster } from './other-cluster.ts'
import type { Parent } from './parent.ts'
import { RecipePackTable } from './recipes/chain.ts'
import type { ChainLink } from './recipes/chain.ts'
import { RecipeWriter } from './recipes/recipe-writer.ts'
import type { WrittenRecipe } from './recipes/recipe-writer.ts'
import type { StorePart } from './recipes/write-part.ts'
import { toolName } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import type { KeptMemory } from './stream-memory/kept-memory.ts'
import type { Begun, WriterContext } from './writer-context.ts'

export class RepositoryWriter implements BackupWriter {
  readonly parent: Snapshot | undefined
  readonly known: KnownChunks | undefined
  readonly memory: KeptMemory | undefined
  readonly attachments: AttachmentWriter
  readonly #context: WriterContext
  readonly #options: BeginOptions
  readonly #writer: Uint8Array
  readonly #recipe: RecipeWriter
  readonly #missing: Parent['missing']
  readonly #attention: readonly string[]
  readonly #epoch: number
  readonly #chunkPacks: PackOutput
  readonly #recipePacks: PackOutput
  readonly #frameKind: FrameKind
  readonly #unitKind: FrameKind
  /** Kept only where older snapshots may find in them what they have lost. */
  readonly #segments: RecipeSegment[] | undefined
  readonly #recipePackTable = new RecipePackTable()
  #logBytes: number
  #ended = false

  constructor(context: WriterContext, options: BeginOptions, { writer, parent, attention, memory, openBytes }: Begun) {
    this.#context = context
    this.#options = options
    this.#writer = writer
    this.parent = parent?.snapshot
    this.known = parent?.known
    this.memory = memory
    this.#missing = parent?.missing ?? new Map()
    this.#segments = this.#missing.size > 0 || context.log.state.damaged.size > 0 ? [] : undefined
    this.#attention = attention
    this.#logBytes = openBytes
    this.#epoch = context.log.state.epoch
    let counter = 0
    const common = { store: context.store, ring: context.ring, epoch: this.#epoch, writer, nextCounter: () => counter++ }
    this.#chunkPacks = new PackOutput({ ...common, packClass: 'D' })
    this.#recipePacks = new PackOutput({ ...common, packClass: 'M' })
    this.#frameKind = { epoch: this.#epoch, codecs: options.codecs, key: 'derived', pageBytes: options.pageBytes }
    this.attachments = new AttachmentWriter(parent, this.#chunkPacks, this.#frameKind)
    this.#unitKind = { epoch: this.#epoch, codecs: [], key: 'unit', pageBytes: 0 }
    const shared = { recipePacks: this.#recipePackTable, store: this.#storePart }
    this.#recipe = new RecipeWriter({ ...shared, pageBytes: options.pageBytes, parent: parent?.recipe })
  }

  get bytesStored(): number {
    return this.#logBytes + this.#chunkPacks.bytesStored + this.#recipePacks.bytesStored
  }

  recipe(segment: RecipeSegment): void {
    this.#recipe.add(segment)
    if (this.#segments === undefined) giveBackSegment(segment)
    else this.#segments.push(segment)
    if (this.#recipe.chunks > maxChunks)
      throw new KpipeError('KPIPE_STAGE_FAILED', `the stream is cut into more than ${maxChunks} chunks, which no reader takes`)
  }

  async frame(frame: EncodedFrame): Promise<void> {
    assert.equal(frame.ordinal, this.#recipe.framesPlaced, 'frames arrive in order')
    const largest = Math.max(...frame.lengths)
    if (largest > maxFrameBytes)
      throw new KpipeError('KPIPE_STAGE_FAILED', `a frame has ${largest} bytes, and no reader takes more than ${maxFrameBytes}`)
    const { bytes, lengths, digest, tags, ends } = frame
    const { pack } = await this.#chunkPacks.add(bytes, { kind: this.#frameKind, lengths, digest, tags, ends })
    this.#recipe.place(pack)
    await this.#recipe.settled()
  }

  async commit(options: CommitOptions): Promise<Committed> {
    const { log, snapshots, headMoved } = this.#context
    // The last chunks become durable while the rest of the recipe is made.
    const chunkPacks = this.#chunkPacks.finish()
    chunkPacks.catch(() => undefined) // Thrown below.
    this.#demandAll(options)
    const recipe = await this.#recipe.finish()
    const attached = await this.attachments.finish(this.#recipePackTable, this.#storePart)
    const uses = recipe.uses.union(attached.uses)
    const manifest = this.#manifest(options, recipe, attached.streams)
    const encoded = encodeManifest(manifest)
    const place = encoded.length > maxInlineManifestBytes ? await this.#placeManifest(encoded) : encoded
    const newPacks = (await Promise.all([chunkPacks, this.#recipePacks.finish()])).flat()
    this.#demandPossible(log.state, uses, newPacks)
    const entry: SnapshotEntry = {
      kind: 'SNAPSHOT',
      time: Date.now(),
      writer: this.#writer,
      packs: newPacks,
      uses: this.#uses(uses, newPacks),
      manifest: place,
    }
    const { bytes } = await log.append(entry, (state) => this.#demandPossible(state, uses, newPacks))
    this.#ended = true
    this.#logBytes += bytes
    const id = createHash('sha256').update(encoded).digest('hex')
    assert(log.state.snapshots.has(id), 'the SNAPSHOT entry that was just appended has effect')
    const remembered = this.memory?.finish(id)
    const snapshot = snapshots.add(id, encoded)
    const mended = await this.#mendOlder()
    const attention = [...this.#attention, ...mended, ...otherCluster(snapshots.all(log.state), snapshot)]
    const [head] = await Promise.all([headMoved(), remembered])
    return { snapshot, head, attention }
  }

  async abort(reason: string): Promise<void> {
    // Also when a commit has failed after its entry: what it has begun there comes to its end.
    const discarded = this.memory?.discard()
    try {
      if (!this.#ended) await this.#endInLog(reason)
    } finally {
      await discarded
    }
  }

  async #endInLog(reason: string): Promise<void> {
    this.#ended = true
    await Promise.all([this.#chunkPacks.abandon(), this.#recipePacks.abandon()])
    const { bytes } = await this.#context.log.append({ kind: 'ABORT', time: Date.now(), writer: this.#writer, reason })
    this.#logBytes += bytes
    await this.#context.headMoved()
  }

  /** Older snapshots may find in this one what they have lost. */
  async #mendOlder(): Promise<readonly string[]> {
    const { log } = this.#context
    const missing = joined([this.#missing, ...this.attachments.missing])
    if (missing.size === 0 && log.state.damaged.size === 0) return []
    // Damage that was noted while this backup ran is mended by the next one.
    const segments = this.#segments ?? []
    const database = { segments, packOf: (origin: number) => this.#recipe.packOf(origin) }
    return mendOlder({ log, missing, streams: [database, ...this.attachments.mending] })
  }

  #demandAll({ bytes, chunks }: CommitOptions): void {
    const { pageBytes } = this.#options
    assert.equal(chunks, this.#recipe.chunks, 'every chunk is in the recipe')
    if (pageBytes > 0) assert.equal(chunks, Math.ceil(bytes / pageBytes), 'there are as many pages as the bytes need')
  }

  #manifest(options: CommitOptions, recipe: WrittenRecipe, attached: readonly ManifestStream[]): Manifest {
    const { name, member, chunking, pageBytes } = this.#options
    const { bytes, digest, chunks, facts, tags, stages, statistics, time } = options
    return {
      name,
      member,
      time: time.getTime(),
      tool: toolName,
      writer: this.#writer,
      parent: this.parent === undefined ? null : Buffer.from(this.parent.id, 'hex'),
      streams: [{ name: databaseStream, bytes, digest, chunking, page_bytes: pageBytes, chunks, parts: recipe.parts }, ...attached],
      recipe_packs: this.#recipePackTable.finish(),
      facts,
      tags,
      stages,
      statistics,
    }
  }

  readonly #storePart: StorePart = (plain) => this.#storeUnit(plain).finally(() => giveBack(plain))

  async #storeUnit(plain: Buffer): Promise<{ tag: Uint8Array; link: ChainLink }> {
    const { ring } = this.#context
    const tag = unitTag(ring, plain)
    const { bytes, listed } = sealUnitFrame(ring, this.#unitKind, plain, tag)
    const place = await this.#recipePacks.add(bytes, listed)
    return { tag, link: { ...place, storedBytes: bytes.length, epoch: this.#epoch } }
  }

  async #placeManifest(encoded: Buffer): Promise<Exclude<SnapshotEntry['manifest'], Uint8Array>> {
    const { link } = await this.#storeUnit(encoded)
    const counter = Number.parseInt(link.pack.slice(16), 16)
    const id = createHash('sha256').update(encoded).digest()
    return { id, counter, offset: link.offset, stored_bytes: link.storedBytes, epoch: link.epoch }
  }

  /** Numbers of the older packs that the snapshot uses. */
  #uses(uses: ReadonlySet<string>, newPacks: readonly NewPack[]): Buffer {
    const own = new Set(newPacks.map(([, counter]) => packId(this.#writer, counter)))
    const { packsById } = this.#context.log.state
    const numbers = [...uses].filter((id) => !own.has(id)).map((id) => packsById.get(id)?.number)
    assert(
      numbers.every((number) => number !== undefined),
      'a pack of the parent is not in the log',
    )
    return encodePackNumbers(numbers.toSorted((one, other) => one - other))
  }

  /** Looked at again whenever others have appended. */
  #demandPossible(state: LogState, uses: ReadonlySet<string>, newPacks: readonly NewPack[]): void {
    const { location } = this.#context.store
    const lost = (what: string): KpipeError =>
      new KpipeError('KPIPE_APPEND_LOST', `this backup cannot become a snapshot at ${location}: ${what}`)
    if (!state.writers.has(Buffer.from(this.#writer).toString('hex'))) throw lost('another process has ended it in the log')
    if (state.epoch !== this.#epoch) throw lost('the keys were rotated while it ran')
    const own = new Set(newPacks.map(([, counter]) => packId(this.#writer, counter)))
    for (const id of uses) if (!own.has(id) && !state.packsById.has(id)) throw lost(`pack ${id} was removed while it ran`)
  }
}

/** All tags of each pack. */
function joined(maps: readonly TagsByPack[]): TagsByPack {
  const all = new Map<number, string[]>()
  for (const map of maps) for (const [pack, tags] of map) all.set(pack, [...(all.get(pack) ?? []), ...tags])
  return all
}

/** The recipe has taken what is in them, and the arrays are this writer's own. */
function giveBackSegment({ tags, lengths, origins }: RecipeSegment): void {
  giveBack(tags)
  giveBack(lengths)
  giveBack(origins)
}
