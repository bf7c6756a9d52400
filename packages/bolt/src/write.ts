import { BoltError } from './errors.ts'
import { metaPage } from './meta.ts'
import { bucketValue } from './page-image.ts'
import { pageOutput } from './page-output.ts'
import type { WriteAt } from './page-output.ts'
import { treeMaker } from './tree-maker.ts'
import type { TreeMaker } from './tree-maker.ts'
import type { BoltItem } from './walk.ts'

/** What is written: of the items around it only their number counts. A bucket (no `value`) comes before what is in it. */
export type NewItem = Omit<BoltItem, 'path'> & { readonly path: { readonly length: number } }

export interface Written {
  /** High-water mark. */
  readonly pages: number
  /** Length of the database. */
  readonly bytes: number
}

interface OpenBucket {
  readonly name: Uint8Array
  readonly sequence: bigint
  readonly tree: TreeMaker
  holdsBuckets: boolean
}

/**
 * Writes a fresh database of the items, in the order of `walk`, in one pass from the leaves up: full pages, no free ones, no freelist, and
 * not a byte that is not part of it. Holds two pages for each level of each open bucket, and 1 MiB of finished pages.
 * The meta pages come last: before, the bytes are no database.
 * @param pageBytes a power of two from 1 KiB on
 * @throws BoltError order, page, bucket when the items are not what a walk gives; what `items` and `write` throw
 */
export async function writeBolt(items: AsyncIterable<NewItem> | Iterable<NewItem>, pageBytes: number, write: WriteAt): Promise<Written> {
  const output = pageOutput(pageBytes, write)
  const root = treeMaker(true, pageBytes, output)
  const open: OpenBucket[] = []

  function close(depth: number): void {
    while (open.length > depth) {
      const { name, sequence, tree, holdsBuckets } = open.pop()!
      const around = open.at(-1)?.tree ?? root
      const inline = !holdsBuckets && tree.bytes <= pageBytes / 4 ? tree.elements : undefined
      const value = bucketValue(inline === undefined ? tree.finish() : 0, sequence, inline)
      around.add({ key: name, value, child: 0, flags: 1 })
    }
  }

  for await (const { path, key, value, sequence } of items) {
    close(path.length)
    if (open.length < path.length) throw new BoltError('bucket', 'an item of a bucket that was not begun')
    const bucket = open.at(-1)
    if (value === undefined) {
      if (bucket !== undefined) bucket.holdsBuckets = true
      open.push({ name: key, sequence: sequence ?? 0n, tree: treeMaker(true, pageBytes, output), holdsBuckets: false })
    } else if (bucket === undefined) {
      throw new BoltError('bucket', 'an item outside all buckets')
    } else {
      bucket.tree.add({ key, value, child: 0, flags: 0 })
    }
    if (output.full) await output.flush()
  }
  close(0)
  const rootPage = root.finish()
  const pages = output.next
  await output.flush()
  const metas = new Uint8Array(2 * pageBytes)
  for (const index of [0, 1]) metas.set(metaPage(index, { pageBytes, root: rootPage, pages, txid: BigInt(index) }), index * pageBytes)
  await write(0, metas)
  return { pages, bytes: pages * pageBytes }
}
