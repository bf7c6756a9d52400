import type { ChainLink } from './chain.ts'
import { encodeChange, encodeFullPart, partChunks } from './part.ts'
import type { Recipe, RecipePart } from './read-recipe.ts'
import type { Rows } from './rows.ts'

const maxChanges = 32
/** A change that lists more of the part's chunks than this is not worth a longer chain. */
const maxChangedShare = 0.8
/** What the changes of a chain may weigh together, in full parts: opening a parent reads them all. */
const maxChainParts = 6
const tagBytes = 16

/** Seals and stores the bytes of a part. */
export type StorePart = (plain: Buffer) => Promise<{ tag: Uint8Array; link: ChainLink }>

export interface PartToWrite {
  /** With their packs, as indexes into `table`. */
  readonly rows: Rows
  /** Which part of the recipe it is, from 0. */
  readonly number: number
  /** Pack ids; it begins with the parent's table. */
  readonly table: readonly string[]
  /** Whether lengths go without saying. */
  readonly regular: boolean
  readonly parent: Recipe | undefined
  readonly store: StorePart
}

/** Stores a part in full, or as a change to the parent's part of the same place; or not at all when it is that one. */
export async function writePart(part: PartToWrite): Promise<Pick<RecipePart, 'tag' | 'chain'>> {
  const { rows, number, table, regular, parent, store } = part
  const { count } = rows
  const whole = { count, tags: rows.tags, packs: rows.packs, table, lengths: regular ? undefined : rows.lengths }
  const base = parent !== undefined && (parent.lengths === undefined) === regular ? parent.parts[number] : undefined
  if (base !== undefined) {
    const changed = changedPositions(rows, number * partChunks, base.count, parent!)
    if (changed.length === 0 && count === base.count) return base
    // Limits differ from part to part, so that the parts of a large stream do not all turn full in one snapshot.
    const limit = maxChanges - ((number * 7) % 16)
    const chainBytes = base.chain.slice(0, -1).reduce((sum, link) => sum + link.storedBytes, changed.length * tagBytes)
    if (base.chain.length <= limit && changed.length < count * maxChangedShare && chainBytes < count * tagBytes * maxChainParts) {
      const local = localTable(rows.packs, changed, base.table)
      const change = { ...whole, packs: local.packs, table: local.table.map((pack) => table[pack]) }
      const { tag, link } = await store(encodeChange(change, base.tag, base.table.length, changed))
      return { tag, chain: [link, ...base.chain] }
    }
  }
  const { tag, link } = await store(encodeFullPart(whole))
  return { tag, chain: [link] }
}

/** Positions within the part whose row is not the parent's, or that the parent does not have. */
function changedPositions(rows: Rows, first: number, baseCount: number, parent: Recipe): Uint32Array {
  const { origins, packs } = rows
  const tags = Buffer.from(rows.tags.buffer, rows.tags.byteOffset, rows.tags.length)
  const parentTags = new Uint8Array(parent.tags)
  const changed = new Uint32Array(origins.length)
  let length = 0
  for (let position = 0; position < origins.length; position++) {
    const place = first + position
    if (position < baseCount) {
      if (origins[position] === place) continue
      // A tag that was zeroed because its pack is lost never equals: that row is listed, which is right.
      const same =
        packs[position] === parent.packs[place] &&
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
