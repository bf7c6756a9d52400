import { KpipeError } from '@kpipe/engine/contracts'
import type { KnownChunks, Store } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import { placesOf } from './log/places.ts'
import type { LogState, PackRecord } from './log/state.ts'
import type { ManifestStream } from './manifest.ts'
import { mapLimit } from './map-limit.ts'
import { packName, packsPrefix } from './packs/pack-name.ts'
import { locateChunks } from './recipes/locate-chunks.ts'
import type { ChunkGroup } from './recipes/locate-chunks.ts'
import { readRecipe } from './recipes/read-recipe.ts'
import type { Recipe } from './recipes/read-recipe.ts'
import { nameOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

const maxTries = 4
const probesAtOnce = 8
const tagBytes = 16

/** A stream that a new one is stored as a change of. */
export interface LoadedStream {
  readonly recipe: Recipe
  readonly known: KnownChunks
  /** Tags in hex, by number of a pack that is not there. */
  readonly missing: ReadonlyMap<number, readonly string[]>
}

/** A snapshot that a new one is stored as a change of, with its first stream. */
export interface Parent extends LoadedStream {
  readonly snapshot: Snapshot
  /** Its attachment of that name, if it has exactly these bytes and can be read. */
  readonly attachment: (name: string, digest: Uint8Array) => Promise<LoadedStream | undefined>
  /** What is wrong with it, in sentences. */
  readonly attention: readonly string[]
}

export interface ParentOptions {
  readonly store: Store
  readonly ring: KeyRing
  readonly state: LogState
  /** Those that could be it, oldest first. */
  readonly candidates: readonly Snapshot[]
  /** Sizes of the pack objects that the store lists, by name. */
  readonly listed: Promise<ReadonlyMap<string, number>>
}

/** Sizes of all pack objects. */
export async function listPacks(store: Store): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { name, bytes } of store.list(packsPrefix)) sizes.set(name, bytes)
  return sizes
}

/** The newest candidate whose recipe can be read; chunks in packs that are not there count as lost and get a tag of zeros. */
export async function loadParent(options: ParentOptions): Promise<{ parent: Parent | undefined; attention: readonly string[] }> {
  const attention: string[] = []
  for (const snapshot of options.candidates.toReversed().slice(0, maxTries)) {
    try {
      const { lost, ...database } = await loadStream(options, snapshot, snapshot.manifest.streams[0])
      if (lost !== undefined) attention.push(lost)
      const attachment: Parent['attachment'] = (name, digest) => loadAttachment(options, snapshot, name, digest)
      return { parent: { snapshot, ...database, attachment, attention }, attention }
    } catch (error) {
      attention.push(damageIn(error).message)
    }
  }
  return { parent: undefined, attention }
}

/** One that cannot be read is stored again; that it is damaged, a check tells. */
async function loadAttachment(
  options: ParentOptions,
  snapshot: Snapshot,
  name: string,
  digest: Uint8Array,
): Promise<LoadedStream | undefined> {
  const stream = snapshot.manifest.streams.slice(1).find((each) => each.name === name)
  if (stream === undefined || Buffer.compare(stream.digest, digest) !== 0) return undefined
  try {
    return await loadStream(options, snapshot, stream)
  } catch (error) {
    damageIn(error)
    return undefined
  }
}

async function loadStream(
  { store, ring, state, listed }: ParentOptions,
  snapshot: Snapshot,
  stream: ManifestStream,
): Promise<LoadedStream & { readonly lost: string | undefined }> {
  const places = placesOf(state, snapshot.id)
  const stored = await readRecipe({ store, ring, places }, snapshot.manifest, stream, nameOf(snapshot))
  const groups = locateChunks(stored, places)
  const gone = await missingPacks(store, groups, await listed)
  const { recipe, missing, lost } = followChunks(stored, groups, gone)
  return { recipe, missing, lost, known: { plan: stream.chunking, count: recipe.count, tags: recipe.tags } }
}

/** Throws any other fault. */
function damageIn(error: unknown): KpipeError {
  if (!(error instanceof KpipeError) || (error.code !== 'KPIPE_DAMAGED' && error.code !== 'KPIPE_OBJECT_MISSING')) throw error
  return error
}

/** Numbers of packs that are not there with their size. What was stored after the list was made is looked at by itself. */
async function missingPacks(store: Store, groups: readonly ChunkGroup[], listed: ReadonlyMap<string, number>): Promise<Set<number>> {
  const unlisted = new Map<number, PackRecord>()
  for (const { packs } of groups)
    for (const pack of packs) if (listed.get(packName(pack.id)) !== pack.bytes) unlisted.set(pack.number, pack)
  const missing = await mapLimit([...unlisted.values()], probesAtOnce, async (pack) => {
    const end = await store.read(packName(pack.id), { offset: pack.bytes - 1, length: 2 })
    return end?.length === 1 ? undefined : pack.number
  })
  return new Set(missing.filter((number) => number !== undefined))
}

/**
 * Has the recipe name the packs in which its chunks are now. Chunks that are in none, or in packs that are not there, count as
 * lost and get a tag of zeros; so do those of which the log does not tell in which of several packs they are.
 * @param gone numbers of packs
 */
function followChunks(
  recipe: Recipe,
  groups: readonly ChunkGroup[],
  gone: ReadonlySet<number>,
): { recipe: Recipe; missing: Map<number, string[]>; lost: string | undefined } {
  const tags = new Uint8Array(recipe.tags)
  const packs = Uint32Array.from(recipe.packs)
  const index = new Map(recipe.table.map((id, at) => [id, at]))
  const missing = new Map<number, string[]>()
  const lostIn = new Set<string>()
  let lost = 0
  for (const { named, packs: current, partial, chunks } of groups) {
    const [pack] = current
    const isKnown = current.length === 1 && !partial
    const isThere = isKnown && !gone.has(pack.number)
    if (isThere && pack.id === named) continue
    if (isThere) {
      if (!index.has(pack.id)) index.set(pack.id, index.size)
      for (const chunk of chunks) packs[chunk] = index.get(pack.id)!
      continue
    }
    if (isKnown) {
      const known = missing.get(pack.number) ?? []
      for (const chunk of chunks) known.push(Buffer.from(tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes)).toString('hex'))
      missing.set(pack.number, known)
    }
    for (const chunk of chunks) tags.fill(0, chunk * tagBytes, (chunk + 1) * tagBytes)
    if (current.length > 0 && !isKnown) continue
    lost += chunks.length
    lostIn.add(packName(pack?.id ?? named))
  }
  const names = [...lostIn]
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  const sentence = `${shown} missing or damaged: ${lost} chunks are stored again as far as they still exist`
  return { recipe: { ...recipe, packs, table: [...index.keys()] }, missing, lost: lost === 0 ? undefined : sentence }
}
