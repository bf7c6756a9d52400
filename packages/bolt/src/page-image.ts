import { branchFlag, elementBytes, headerBytes, leafFlag, writeHeader } from './page.ts'

/** An element of a page that is being written. Of a leaf: `value` is an item's, or with flag 1 a bucket's; of a branch: `child`. */
export interface NewElement {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly child: number
  readonly flags: number
}

/** Bytes that an element takes in a page. */
export function elementLength({ key, value }: NewElement): number {
  return elementBytes + key.length + value.length
}

/** Fills `into`, which is all zero, with the page `id` (0 of an inline bucket): header, table, keys and values. */
export function fillPage(into: Uint8Array, id: number, leaf: boolean, elements: readonly NewElement[], overflow: number): void {
  const view = new DataView(into.buffer, into.byteOffset, into.length)
  writeHeader(view, 0, { id, flags: leaf ? leafFlag : branchFlag, count: elements.length, overflow })
  let at = headerBytes
  let start = headerBytes + elementBytes * elements.length
  for (const { key, value, child, flags } of elements) {
    if (leaf) {
      view.setUint32(at, flags, true)
      view.setUint32(at + 4, start - at, true)
      view.setUint32(at + 8, key.length, true)
      view.setUint32(at + 12, value.length, true)
    } else {
      view.setUint32(at, start - at, true)
      view.setUint32(at + 4, key.length, true)
      view.setBigUint64(at + 8, BigInt(child), true)
    }
    into.set(key, start)
    into.set(value, start + key.length)
    start += key.length + value.length
    at += elementBytes
  }
}

/** Value of a bucket's element: its header, and the page of an inline bucket. */
export function bucketValue(root: number, sequence: bigint, inline: readonly NewElement[] | undefined): Uint8Array {
  const pageBytes = inline === undefined ? 0 : inline.reduce((sum, element) => sum + elementLength(element), headerBytes)
  const value = new Uint8Array(headerBytes + pageBytes)
  const view = new DataView(value.buffer)
  view.setBigUint64(0, BigInt(root), true)
  view.setBigUint64(8, sequence, true)
  if (inline !== undefined) fillPage(value.subarray(headerBytes), 0, true, inline, 0)
  return value
}
