import type { RecipeSegment } from '@kpipe/engine/contracts'
import type { PartReference } from '../manifest.ts'
import type { ChainLink, RecipePackTable } from './chain.ts'
import { encodeChange, encodeFullPart, partChunks } from './part.ts'
import type { Recipe, RecipePart } from './read-recipe.ts'
import { RecipeRows } from './recipe-rows.ts'
import type { Rows } from './recipe-rows.ts'

const maxChanges = 32
/** A change that lists more of the part's chunks than this is not worth a longer chain. */
const maxChangedShare = 0.8
/** What the changes of a chain may weigh together, in full parts: opening a parent reads them all. */
const maxChainParts = 6
const tagBytes = 16

export interface RecipeSource {
  readonly segments: readonly RecipeSegment[]
  readonly chunks: number
  /** Whether all chunks but the last have the page's length, so that lengths go without saying. */
  readonly regular: boolean
  readonly parent: Recipe | undefined
  /** Pack ids of the writer's own packs, and for each frame an index into them. */
  readonly ownPacks: readonly string[]
  readonly packOfFrame: readonly number[]
  /** Of the manifest: recipes of all its streams share it. */
  readonly recipePacks: RecipePackTable
  /** Seals and stores the bytes of a part. */
  readonly store: (plain: Buffer) => Promise<{ tag: Uint8Array; link: ChainLink }>
}

export interface WrittenRecipe {
  readonly parts: readonly PartReference[]
  /** Ids of all packs that hold its chunks and the parts of its chains. */
  readonly uses: ReadonlySet<string>
}

/** Stores a recipe part by part, each in full or as a change to the parent's part of the same place. */
export async function writeRecipe(source: RecipeSource): Promise<WrittenRecipe> {
  const { parent, chunks, recipePacks } = source
  const table = [...(parent?.table ?? []), ...source.ownPacks]
  const rows = new RecipeRows(source, parent?.table.length ?? 0, Math.min(partChunks, chunks))
  const used = new Uint8Array(table.length)
  const parts: PartReference[] = []
  for (let first = 0; first < chunks; first += partChunks) {
    const part = rows.take(Math.min(partChunks, chunks - first))
    for (const pack of part.packs) used[pack] = 1
    const base = parent !== undefined && (parent.lengths === undefined) === source.regular ? parent.parts[parts.length] : undefined
    const { tag, chain } = await writePart(source, part, first, table, base, parts.length)
    parts.push({ tag, count: part.origins.length, chain: recipePacks.encode(chain) })
  }
  const uses = new Set(table.filter((_, index) => used[index] === 1))
  for (const pack of recipePacks.packs) uses.add(pack)
  return { parts, uses }
}

async function writePart(
  source: RecipeSource,
  rows: Rows,
  first: number,
  table: readonly string[],
  base: RecipePart | undefined,
  number: number,
): Promise<Pick<RecipePart, 'tag' | 'chain'>> {
  const count = rows.origins.length
  const part = { count, tags: rows.tags, packs: rows.packs, table, lengths: source.regular ? undefined : rows.lengths }
  if (base !== undefined) {
    const changed = changedPositions(rows, first, base.count, source.parent!)
    if (changed.length === 0 && count === base.count) return base
    // Limits differ from part to part, so that the parts of a large stream do not all turn full in one snapshot.
    const limit = maxChanges - ((number * 7) % 16)
    const chainBytes = base.chain.slice(0, -1).reduce((sum, link) => sum + link.storedBytes, changed.length * tagBytes)
    if (base.chain.length <= limit && changed.length < count * maxChangedShare && chainBytes < count * tagBytes * maxChainParts) {
      const local = localTable(rows.packs, changed, base.table)
      const change = { ...part, packs: local.packs, table: local.table.map((pack) => table[pack]) }
      const { tag, link } = await source.store(encodeChange(change, base.tag, base.table.length, changed))
      return { tag, chain: [link, ...base.chain] }
    }
  }
  const { tag, link } = await source.store(encodeFullPart(part))
  return { tag, chain: [link] }
}

/** Positions within the part whose row is not the parent's, or that the parent does not have. */
function changedPositions(rows: Rows, first: number, baseCount: number, parent: Recipe): Uint32Array {
  const tags = Buffer.from(rows.tags.buffer, rows.tags.byteOffset, rows.tags.length)
  const parentTags = new Uint8Array(parent.tags)
  const changed = new Uint32Array(rows.origins.length)
  let length = 0
  for (let position = 0; position < rows.origins.length; position++) {
    const place = first + position
    if (position < baseCount) {
      if (rows.origins[position] === place) continue
      // A tag that was zeroed because its pack is lost never equals: that row is listed, which is right.
      const same =
        rows.packs[position] === parent.packs[place] &&
        tags.compare(parentTags, place * tagBytes, (place + 1) * tagBytes, position * tagBytes, (position + 1) * tagBytes) === 0
      if (same) continue
    }
    changed[length++] = position
  }
  return changed.subarray(0, length)
}

/** The base's table with the packs of the changed rows behind it, and those rows in its terms. */
function localTable(packs: Uint32Array, changed: Uint32Array, baseTable: readonly number[]): { packs: Uint32Array; table: number[] } {
  const table = [...baseTable]
  const index = new Map(table.map((pack, at) => [pack, at]))
  const local = new Uint32Array(packs.length)
  for (const position of changed) {
    let at = index.get(packs[position])
    if (at === undefined) {
      at = table.push(packs[position]) - 1
      index.set(packs[position], at)
    }
    local[position] = at
  }
  return { packs: local, table }
}
