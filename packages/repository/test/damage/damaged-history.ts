import { KpipeError } from '@kpipe/engine/contracts'
import type { MemoryStore } from '@kpipe/engine/testing'
import type { CheckReport, ProveFrame, Repository, Snapshot } from '../../src/index.ts'
import { wholeShare } from '../../src/index.ts'
import { madeRepository, noise } from '../made-repository.ts'
import { backUp, pageBytes, tagOf } from '../paged-backup.ts'

export interface DamagedHistory {
  readonly store: MemoryStore
  readonly repository: Repository
  /** Three, each with 20 pages of its own; what the second changed stays, what the first has there is gone from the database. */
  readonly made: readonly { readonly snapshot: Snapshot; readonly bytes: Buffer }[]
  /** The database as it is now. */
  readonly now: Buffer
}

export async function history(): Promise<DamagedHistory> {
  const { store, repository } = await madeRepository()
  const now = noise(300 * pageBytes, 'database')
  const made: { snapshot: Snapshot; bytes: Buffer }[] = []
  for (let turn = 0; turn < 3; turn++) {
    if (turn > 0) now.set(noise(20 * pageBytes, `turn ${turn}`), turn * 30 * pageBytes)
    made.push({ snapshot: (await backUp(repository, now, { frameChunks: 50 })).snapshot, bytes: Buffer.from(now) })
  }
  return { store, repository, made, now }
}

export function readAll(repository: Repository, snapshots?: readonly string[]): Promise<CheckReport> {
  const prove: ProveFrame = async ({ bytes, ends }, slots, tags) => {
    slots.forEach((slot, index) => {
      const chunk = bytes.subarray(slot === 0 ? 0 : ends[slot - 1], ends[slot])
      if (Buffer.compare(tagOf(repository.tagKey, chunk), tags.subarray(index * 16, index * 16 + 16)) !== 0)
        throw new KpipeError('KPIPE_DAMAGED', 'a chunk does not have the tag that its recipe names')
    })
  }
  return repository.check({ snapshots, read: { share: wholeShare, prove } })
}

/** Names of packs of a class, in the order in which they were made. */
export function packs({ objects }: MemoryStore, packClass: 'D' | 'M'): string[] {
  const wanted = packClass.charCodeAt(0)
  return [...objects.keys()].filter((name) => name.startsWith('packs/') && objects.get(name)![12] === wanted)
}

export function logEntries({ objects }: MemoryStore): string[] {
  return [...objects.keys()].filter((name) => name.startsWith('log/')).toSorted()
}

export function flip(store: MemoryStore, name: string, at: number): void {
  const bytes = Uint8Array.from(store.objects.get(name)!)
  bytes[at] ^= 1
  store.objects.set(name, bytes)
}

/** Ids of snapshots that a check finds damaged, in the order of the history. */
export function hurt({ damages }: CheckReport, made: DamagedHistory['made']): number[] {
  const ids = new Set(damages.flatMap(({ snapshots }) => snapshots))
  return made.flatMap(({ snapshot }, index) => (ids.has(snapshot.id) ? [index] : []))
}
