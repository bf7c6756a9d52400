import { directoryStore } from '../../packages/stage-store-fs/src/store-fs.ts'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import type { Secret } from '../../packages/repository/src/keys/secret.ts'
import { packId } from '../../packages/repository/src/log/new-packs.ts'
import { decodeManifest } from '../../packages/repository/src/manifest.ts'
import { decodeMarker, markerName } from '../../packages/repository/src/marker.ts'
import { readDirectory } from '../../packages/repository/src/packs/read-directory.ts'
import { logOf } from './log.ts'

/** What one snapshot added to a repository. */
export interface StoredSizes {
  readonly freshChunks: number
  /** Of chunks. */
  readonly frames: number
  /** Frames as they lie in the packs. */
  readonly frameBytes: number
  /** Packs of chunks, then packs of recipes. */
  readonly packs: readonly [chunks: number, recipes: number]
  /** Of both, their directories and padding included. */
  readonly packBytes: readonly [chunks: number, recipes: number]
}

/** Of each snapshot, in the order of the log, read without the program. */
export async function storedSizes(folder: string, secret: Secret): Promise<StoredSizes[]> {
  const store = directoryStore(folder)
  const { repositoryId } = decodeMarker((await store.read(markerName))!, folder)
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, secret)).bundles)
  const sizes: StoredSizes[] = []
  for (const entry of await logOf(folder, secret)) {
    if (entry.kind !== 'SNAPSHOT') continue
    if (!(entry.manifest instanceof Uint8Array)) throw new Error('a manifest is not in the log')
    const { statistics } = decodeManifest(entry.manifest)
    const records = entry.packs.map(([packClass, counter, bytes, directoryBytes, sha256], number) => ({
      number,
      id: packId(entry.writer, counter),
      class: packClass,
      bytes,
      directoryBytes,
      sha256,
    }))
    const [chunks, recipes] = (['D', 'M'] as const).map((packClass) => records.filter((pack) => pack.class === packClass)) as [
      typeof records,
      typeof records,
    ]
    const directories = await Promise.all(chunks.map((pack) => readDirectory(store, ring, pack, 'a test')))
    const frames = directories.flatMap((directory) => directory.frames)
    sizes.push({
      freshChunks: Number(statistics['chunks_fresh']),
      frames: frames.length,
      frameBytes: frames.reduce((sum, { lengths }) => sum + lengths.at(-1)!, 0),
      packs: [chunks.length, recipes.length],
      packBytes: [sumOf(chunks), sumOf(recipes)],
    })
  }
  return sizes
}

const sumOf = (packs: readonly { readonly bytes: number }[]): number => packs.reduce((sum, { bytes }) => sum + bytes, 0)
