/** Key of a row in etcd's bucket `key`: u64 BE main, `_`, u64 BE sub, and `t` when the row is a tombstone. */
export interface Revision {
  readonly main: number
  readonly sub: number
  readonly tombstone: boolean
}

const separator = 0x5f
const tombstoneMark = 0x74

/** True when the `bytes` at `at` look like a revision whose numbers are below 2^53. */
export function isRevision(view: DataView, at: number, bytes: number): boolean {
  return (
    (bytes === 17 || (bytes === 18 && view.getUint8(at + 17) === tombstoneMark)) &&
    view.getUint8(at + 8) === separator &&
    view.getUint32(at) < 0x200000 &&
    view.getUint32(at + 9) < 0x200000
  )
}

export function mainOf(view: DataView, at: number): number {
  return view.getUint32(at) * 4294967296 + view.getUint32(at + 4)
}

export function subOf(view: DataView, at: number): number {
  return view.getUint32(at + 9) * 4294967296 + view.getUint32(at + 13)
}

/** The revision that `key` is, or undefined. */
export function readRevision(key: Uint8Array): Revision | undefined {
  const view = new DataView(key.buffer, key.byteOffset, key.length)
  if (!isRevision(view, 0, key.length)) return undefined
  return { main: mainOf(view, 0), sub: subOf(view, 0), tombstone: key.length === 18 }
}
