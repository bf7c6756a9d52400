import { stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** What changes when somebody writes to a database. */
export interface Stillness {
  readonly bytes: bigint
  readonly modifiedNs: bigint
  /** Of the file that the path leads to: a defragmentation puts another one there. */
  readonly file: string
  readonly metas: readonly Buffer[]
}

/** `metaPositions`: where the two meta pages begin; every transaction of bbolt ends with a write of one of them. */
export async function stillness(handle: FileHandle, path: string, metaPositions: readonly number[], metaBytes: number): Promise<Stillness> {
  const { size, mtimeNs } = await handle.stat({ bigint: true })
  const { dev, ino } = await stat(path, { bigint: true })
  const metas: Buffer[] = []
  for (const position of metaPositions) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(metaBytes), 0, metaBytes, position)
    metas.push(buffer.subarray(0, bytesRead))
  }
  return { bytes: size, modifiedNs: mtimeNs, file: `${dev}:${ino}`, metas }
}

/** What is different now, as the end of a sentence; undefined when nothing is. */
export function movedBy(before: Stillness, after: Stillness): string | undefined {
  if (after.file !== before.file) return 'another file has taken its place'
  if (after.metas.some((meta, i) => !meta.equals(before.metas[i]!))) return 'its meta pages changed'
  if (after.bytes !== before.bytes) return `its length changed from ${before.bytes} to ${after.bytes} bytes`
  if (after.modifiedNs !== before.modifiedNs) return 'it was written to'
  return undefined
}
