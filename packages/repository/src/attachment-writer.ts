import assert from 'node:assert/strict'
import { KpipeError } from '@kpipe/engine/contracts'
import type { AttachmentSink, EncodedFrame, KnownChunks, StoredAttachment } from '@kpipe/engine/contracts'
import { maxFrameBytes } from './bounds.ts'
import type { Mending } from './damage/mend.ts'
import type { TagsByPack } from './log/tags-by-pack.ts'
import { databaseStream } from './manifest.ts'
import type { ManifestStream } from './manifest.ts'
import type { FrameKind } from './packs/directory.ts'
import type { PackOutput } from './packs/pack-output.ts'
import type { LoadedStream, Parent } from './parent.ts'
import type { RecipePackTable } from './recipes/chain.ts'
import { RecipeWriter } from './recipes/recipe-writer.ts'
import type { StorePart } from './recipes/write-part.ts'

interface Attachment extends StoredAttachment {
  readonly parent: LoadedStream | undefined
}

/** The streams of a snapshot besides its first. Their chunks lie in frames of their own, which go into the same packs. */
export class AttachmentWriter implements AttachmentSink {
  readonly #parent: Parent | undefined
  readonly #packs: PackOutput
  readonly #kind: FrameKind
  readonly #loaded = new Map<string, LoadedStream>()
  readonly #attachments: Attachment[] = []
  readonly #ownPacks: string[] = []
  readonly #packOfFrame: number[] = []

  constructor(parent: Parent | undefined, packs: PackOutput, kind: FrameKind) {
    this.#parent = parent
    this.#packs = packs
    // One frame holds chunks of several streams: no length is that of all but the last.
    this.#kind = { ...kind, pageBytes: 0 }
  }

  async known(name: string, digest: Uint8Array): Promise<KnownChunks | undefined> {
    const loaded = await this.#parent?.attachment(name, digest)
    if (loaded === undefined) return undefined
    this.#loaded.set(name, loaded)
    return loaded.known
  }

  async frame({ ordinal, bytes, lengths, digest, tags, ends }: EncodedFrame): Promise<void> {
    assert.equal(ordinal, this.#packOfFrame.length, 'frames arrive in order')
    const largest = Math.max(...lengths)
    if (largest > maxFrameBytes)
      throw new KpipeError('KPIPE_STAGE_FAILED', `a frame has ${largest} bytes, and no reader takes more than ${maxFrameBytes}`)
    const { pack } = await this.#packs.add(bytes, { kind: this.#kind, lengths, digest, tags, ends })
    if (this.#ownPacks.at(-1) !== pack) this.#ownPacks.push(pack)
    this.#packOfFrame.push(this.#ownPacks.length - 1)
  }

  add(attachment: StoredAttachment): void {
    const isTaken = attachment.name === databaseStream || this.#attachments.some(({ name }) => name === attachment.name)
    assert(!isTaken, 'attachments have names of their own')
    this.#attachments.push({ ...attachment, parent: this.#loaded.get(attachment.name) })
  }

  /** Stores the recipes. Resolves with what the manifest says of each, and the packs that they need. */
  async finish(recipePacks: RecipePackTable, store: StorePart): Promise<{ streams: ManifestStream[]; uses: ReadonlySet<string> }> {
    const streams: ManifestStream[] = []
    const uses = new Set<string>()
    for (const { name, bytes, digest, plan, recipe, parent } of this.#attachments) {
      const mostChunks = recipe.origins.length
      const writer = new RecipeWriter({ pageBytes: plan.pageBytes, parent: parent?.recipe, recipePacks, store, mostChunks })
      for (const pack of this.#packOfFrame) writer.place(this.#ownPacks[pack])
      writer.add(recipe)
      const written = await writer.finish()
      for (const pack of written.uses) uses.add(pack)
      const shape = { chunking: plan.id, page_bytes: plan.pageBytes, chunks: recipe.origins.length }
      streams.push({ name, bytes, digest, ...shape, parts: written.parts })
    }
    return { streams, uses }
  }

  /** What the parent's attachments lack because packs are not there. */
  get missing(): readonly TagsByPack[] {
    return [...this.#loaded.values()].map(({ missing }) => missing)
  }

  /** What older snapshots may find here. */
  get mending(): Mending['streams'] {
    return this.#attachments.map(({ recipe, parent }) => ({
      segments: [recipe],
      packOf: (origin) => (origin < 0 ? this.#ownPacks[this.#packOfFrame[~origin]] : parent!.recipe.table[parent!.recipe.packs[origin]]),
    }))
  }
}
