import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { PackRecord } from '../log/state.ts'
import type { Directory } from '../packs/directory.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import { damagedPack, readDirectory } from '../packs/read-directory.ts'
import { unitOverheadBytes } from '../sealed-unit.ts'
import type { ChainLink } from './chain.ts'

interface OpenedDirectory {
  readonly directory: Directory
  readonly table: PrefixTable
}

/** Finds units in packs that took them over from others, by their tags. Each directory is read once. */
export class MovedUnits {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #forWhom: string
  readonly #directories = new Map<number, Promise<OpenedDirectory>>()

  constructor(store: Store, ring: KeyRing, forWhom: string) {
    this.#store = store
    this.#ring = ring
    this.#forWhom = forWhom
  }

  /** @throws KpipeError KPIPE_DAMAGED when none of the packs lists it; what reading a directory throws */
  async find(packs: readonly PackRecord[], tag: Uint8Array): Promise<ChainLink> {
    for (const pack of packs) {
      const { directory, table } = await this.#open(pack)
      const found = table.find(tag, 0)
      if (found === undefined) continue
      const { offset, lengths, kind } = directory.frames[found]
      return { pack: pack.id, offset, storedBytes: lengths[0] + unitOverheadBytes, epoch: kind.epoch }
    }
    throw damagedPack(packs[0].id, this.#forWhom, 'its directory does not list a recipe part')
  }

  /** Where all units of that plain length lie. */
  async ofLength(pack: PackRecord, plainBytes: number): Promise<ChainLink[]> {
    const { directory } = await this.#open(pack)
    return directory.frames
      .filter(({ lengths }) => lengths[0] === plainBytes)
      .map(({ offset, kind }) => ({ pack: pack.id, offset, storedBytes: plainBytes + unitOverheadBytes, epoch: kind.epoch }))
  }

  #open(pack: PackRecord): Promise<OpenedDirectory> {
    const opened =
      this.#directories.get(pack.number) ??
      readDirectory(this.#store, this.#ring, pack, this.#forWhom).then((directory) => ({ directory, table: new PrefixTable(directory) }))
    this.#directories.set(pack.number, opened)
    return opened
  }
}
