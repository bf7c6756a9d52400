import { createHash } from 'node:crypto'
import type { CodecRecord, CodecSecrets, SealedStream, Store, StoredFrame } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import type { LogState, PackRecord } from './log/state.ts'
import { mapLimit } from './map-limit.ts'
import { packName } from './packs/pack-name.ts'
import { PrefixTable } from './packs/prefix-table.ts'
import { damagedPack, readDirectory, readPackRange } from './packs/read-directory.ts'
import type { Directory, DirectoryFrame } from './packs/directory.ts'
import { readRecipe } from './recipes/read-recipe.ts'
import type { Recipe } from './recipes/read-recipe.ts'
import { nameOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { KpipeError } from '@kpipe/engine/contracts'

const directoriesAtOnce = 8
const tagBytes = 16

export interface StreamContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly state: LogState
  readonly secrets: (codecs: readonly CodecRecord[], epoch: number) => CodecSecrets
}

interface PlacedFrame {
  readonly pack: PackRecord
  readonly frame: DirectoryFrame
}

/** Finds every chunk of a snapshot: its recipe, and the directories of just the packs that it names. */
export async function openSealedStream({ store, ring, state, secrets }: StreamContext, snapshot: Snapshot): Promise<SealedStream> {
  const forWhom = nameOf(snapshot)
  const { manifest } = snapshot
  const stream = manifest.streams[0]
  const recipe = await readRecipe(store, ring, manifest, stream, forWhom)
  const byPack = chunksByPack(recipe)
  const needed = [...byPack.keys()].map((index) => ({ index, pack: packOf(state, recipe.table[index], forWhom) }))
  needed.sort((one, other) => one.pack.number - other.pack.number)
  const directories = await mapLimit(needed, directoriesAtOnce, ({ pack }) => readDirectory(store, ring, pack, forWhom))
  const frameOf = new Uint32Array(recipe.count)
  const slotOf = new Uint32Array(recipe.count)
  const frames: PlacedFrame[] = []
  needed.forEach(({ index, pack }, at) => {
    placeChunks(recipe, byPack.get(index)!, pack, directories[at], { frameOf, slotOf, frames }, forWhom)
  })
  return {
    bytes: stream.bytes,
    digest: stream.digest,
    chunks: recipe.count,
    pageBytes: stream.page_bytes,
    starts: startsOf(recipe, stream.page_bytes, stream.bytes),
    tags: new Uint8Array(recipe.tags),
    tagKey: ring.tagKey,
    tagAlgorithm: state.genesis.tag_algorithm,
    frameOf,
    slotOf,
    frames: frames.length,
    async load(index): Promise<StoredFrame> {
      const { pack, frame } = frames[index]
      const { kind, lengths, ends, offset, digest } = frame
      const bytes = await readPackRange(store, pack.id, { offset, length: lengths[lengths.length - 1] }, forWhom)
      if (Buffer.compare(createHash('sha256').update(bytes).digest().subarray(0, 16), digest) !== 0) {
        throw damagedPack(pack.id, forWhom, `the frame at byte ${offset} is not the one that was stored`)
      }
      return {
        bytes: ownMemory(bytes),
        codecs: kind.codecs,
        secrets: secrets(kind.codecs, kind.epoch),
        lengths,
        ends,
        pageBytes: kind.pageBytes,
      }
    },
  }
}

/** Chunk numbers of each pack, by index into the recipe's table. */
function chunksByPack({ packs, table, count }: Recipe): Map<number, Uint32Array> {
  const sizes = new Uint32Array(table.length)
  for (let chunk = 0; chunk < count; chunk++) sizes[packs[chunk]] += 1
  const lists = new Map<number, Uint32Array>()
  sizes.forEach((size, index) => size > 0 && lists.set(index, new Uint32Array(size)))
  sizes.fill(0)
  for (let chunk = 0; chunk < count; chunk++) lists.get(packs[chunk])![sizes[packs[chunk]]++] = chunk
  return lists
}

function packOf(state: LogState, id: string, forWhom: string): PackRecord {
  const pack = state.packsById.get(id)
  if (pack !== undefined) return pack
  throw new KpipeError('KPIPE_OBJECT_MISSING', `${packName(id)} is not in the log any more; ${forWhom} needs it`, { object: packName(id) })
}

/** Gives each listed chunk its frame and slot, and numbers those frames of the pack that are needed. */
function placeChunks(
  recipe: Recipe,
  chunks: Uint32Array,
  pack: PackRecord,
  directory: Directory,
  places: { frameOf: Uint32Array; slotOf: Uint32Array; frames: PlacedFrame[] },
  forWhom: string,
): void {
  const table = new PrefixTable(directory)
  const tags = new Uint8Array(recipe.tags)
  const inPack = Uint32Array.from(chunks, (chunk) => {
    const found = table.find(tags, chunk * tagBytes)
    if (found === undefined) throw damagedPack(pack.id, forWhom, `its directory does not list chunk ${chunk} of the stream`)
    return found
  })
  const needed = new Uint8Array(directory.frames.length)
  const frameOfChunk = new Uint32Array(directory.prefixes.length / 6)
  directory.frames.forEach(({ firstChunk, ends }, index) => frameOfChunk.fill(index, firstChunk, firstChunk + ends.length))
  for (const chunk of inPack) needed[frameOfChunk[chunk]] = 1
  const numbers = new Uint32Array(directory.frames.length)
  directory.frames.forEach((frame, index) => {
    if (needed[index] === 1) numbers[index] = places.frames.push({ pack, frame }) - 1
  })
  chunks.forEach((chunk, at) => {
    const frame = frameOfChunk[inPack[at]]
    places.frameOf[chunk] = numbers[frame]
    places.slotOf[chunk] = inPack[at] - directory.frames[frame].firstChunk
  })
}

function startsOf({ lengths, count }: Recipe, pageBytes: number, bytes: number): (chunk: number) => number {
  if (lengths === undefined) return (chunk) => (chunk < count ? chunk * pageBytes : bytes)
  const starts = new Float64Array(count + 1)
  for (let chunk = 0; chunk < count; chunk++) starts[chunk + 1] = starts[chunk] + lengths[chunk]
  return (chunk) => starts[chunk]
}

/** Buffers from Node's pool cannot be moved to another thread. */
function ownMemory(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength === bytes.length ? bytes : Uint8Array.from(bytes)
}
