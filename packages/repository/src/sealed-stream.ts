import { createHash } from 'node:crypto'
import type { CodecRecord, CodecSecrets, SealedStream, Store, StoredFrame } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import type { LogState, PackRecord } from './log/state.ts'
import { placesOf } from './log/places.ts'
import type { ManifestStream } from './manifest.ts'
import { mapLimit } from './map-limit.ts'
import type { Directory, DirectoryFrame } from './packs/directory.ts'
import { packName } from './packs/pack-name.ts'
import { damagedPack, readDirectory, readPackRange } from './packs/read-directory.ts'
import { locateChunks } from './recipes/locate-chunks.ts'
import type { ChunkGroup } from './recipes/locate-chunks.ts'
import { placeChunks } from './recipes/place-chunks.ts'
import type { PlacedChunks } from './recipes/place-chunks.ts'
import { readRecipe } from './recipes/read-recipe.ts'
import type { Recipe } from './recipes/read-recipe.ts'
import { nameOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { KpipeError } from '@kpipe/engine/contracts'

const directoriesAtOnce = 8

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

/** Finds every chunk of a stream: its recipe, and the directories of just the packs that it names. @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
export async function openSealedStream(context: StreamContext, snapshot: Snapshot, name?: string): Promise<SealedStream> {
  const stream = streamNamed(snapshot, name)
  const { store, ring, state } = context
  const forWhom = nameOf(snapshot)
  const places = placesOf(state, snapshot.id)
  const recipe = await readRecipe({ store, ring, places }, snapshot.manifest, stream, forWhom)
  const placed = await placeChunks(
    recipe,
    locateChunks(recipe, places),
    (pack) => readDirectory(store, ring, pack, forWhom),
    (chunk, group) => {
      throw lostChunk(chunk, group, forWhom)
    },
  )
  return streamOf(context, snapshot, stream, recipe, placed, [])
}

/** The same, but of chunks that are lost the loading of their frame throws. @throws KpipeError when the recipe is lost */
export async function openWhatIsLeft(context: StreamContext, snapshot: Snapshot, name?: string): Promise<SealedStream> {
  const stream = streamNamed(snapshot, name)
  const { store, ring, state } = context
  const forWhom = nameOf(snapshot)
  const places = placesOf(state, snapshot.id)
  const recipe = await readRecipe({ store, ring, places }, snapshot.manifest, stream, forWhom)
  const groups = locateChunks(recipe, places)
  const directories = await directoriesLeft(context, groups, forWhom)
  const left = groups.map((group) => ({ ...group, packs: group.packs.filter(({ number }) => directories.has(number)) }))
  const lost: number[] = []
  const placed = await placeChunks(
    recipe,
    left,
    async (pack) => directories.get(pack.number)!,
    (chunk) => lost.push(chunk),
  )
  return streamOf(context, snapshot, stream, recipe, placed, lost)
}

/** Undefined: the first. @throws KpipeError KPIPE_USAGE */
function streamNamed(snapshot: Snapshot, name: string | undefined): ManifestStream {
  const { streams } = snapshot.manifest
  const stream = name === undefined ? streams[0] : streams.find((each) => each.name === name)
  if (stream === undefined) throw new KpipeError('KPIPE_USAGE', `${nameOf(snapshot)} has no attachment ${name}`, { snapshot: snapshot.id })
  return stream
}

/** By number of the pack. */
async function directoriesLeft(
  { store, ring }: StreamContext,
  groups: readonly ChunkGroup[],
  forWhom: string,
): Promise<Map<number, Directory>> {
  const packs = new Map(groups.flatMap((group) => group.packs).map((pack) => [pack.number, pack]))
  const directories = new Map<number, Directory>()
  await mapLimit([...packs.values()], directoriesAtOnce, async (pack) => {
    try {
      directories.set(pack.number, await readDirectory(store, ring, pack, forWhom))
    } catch (error) {
      if (!(error instanceof KpipeError) || error.exitCode !== 65) throw error
    }
  })
  return directories
}

/** @param lost chunks that are nowhere */
function streamOf(
  { store, ring, state, secrets }: StreamContext,
  snapshot: Snapshot,
  stream: ManifestStream,
  recipe: Recipe,
  placed: PlacedChunks,
  lost: readonly number[],
): SealedStream {
  const forWhom = nameOf(snapshot)
  const { frames, frameOf, slotOf } = numberFrames(placed, lost)
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
    // What is lost lies in a frame behind the last one.
    frames: frames.length + (lost.length === 0 ? 0 : 1),
    async load(index): Promise<StoredFrame> {
      if (index === frames.length) throw new KpipeError('KPIPE_OBJECT_MISSING', `chunks of the stream are lost; ${forWhom} needs them`)
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

/** @param group where it was looked for */
function lostChunk(chunk: number, { named, packs, partial }: ChunkGroup, forWhom: string): KpipeError {
  if (packs.length > 0 && !partial) return damagedPack(packs[0].id, forWhom, `its directory does not list chunk ${chunk} of the stream`)
  const object = packName(named)
  return new KpipeError('KPIPE_OBJECT_MISSING', `chunk ${chunk} of the stream is lost: it was in ${object}; ${forWhom} needs it`, {
    object,
    noted: true, // The log says so: no other snapshot is suspected for it.
  })
}

/** Numbers those frames that are needed, in the order of packs, and gives each chunk its frame and slot. Uses the arrays of `placed`. */
function numberFrames(
  { packs, packOf, indexOf }: PlacedChunks,
  lost: readonly number[],
): { frames: PlacedFrame[]; frameOf: Uint32Array; slotOf: Uint32Array } {
  const numbers = packs.map((pack) => new Uint32Array(pack.frames.length))
  const isLost = new Uint8Array(packOf.length)
  for (const chunk of lost) isLost[chunk] = 1
  packOf.forEach((pack, chunk) => {
    if (isLost[chunk] === 0) numbers[pack][frameAt(packs[pack].frames, indexOf[chunk])] = 1
  })
  const frames: PlacedFrame[] = []
  packs.forEach(({ pack, frames: inPack }, at) => {
    inPack.forEach((frame, index) => {
      if (numbers[at][index] === 1) numbers[at][index] = frames.push({ pack, frame }) - 1
    })
  })
  for (let chunk = 0; chunk < packOf.length; chunk++) {
    if (isLost[chunk] === 1) {
      packOf[chunk] = frames.length
      continue
    }
    const pack = packOf[chunk]
    const inPack = packs[pack].frames
    const frame = frameAt(inPack, indexOf[chunk])
    indexOf[chunk] -= inPack[frame].firstChunk
    packOf[chunk] = numbers[pack][frame]
  }
  return { frames, frameOf: packOf, slotOf: indexOf }
}

/** Which of a pack's frames holds its chunk of this index. */
function frameAt(frames: readonly DirectoryFrame[], index: number): number {
  let low = 0
  let high = frames.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (frames[middle].firstChunk <= index) low = middle
    else high = middle - 1
  }
  return low
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
