import { createHash } from 'node:crypto'
import { test } from 'tap'
import type { MemoryStore } from '@kpipe/engine/testing'
import { choose } from '../../src/index.ts'
import type { Repository } from '../../src/index.ts'
import { dice, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, restore } from '../paged-backup.ts'
import { prunedNow } from './kept-history.ts'

const pageBytes = 4096
const pages = 640
const lengths = new Uint32Array(pages).fill(pageBytes)
const hour = 3_600_000
const policy = { hourly: 24, daily: 7 }
const begin = Date.UTC(2026, 0, 1)

/** A database of which 10 pages change an hour, some more often than others. */
function* hourly(): Generator<Buffer, never> {
  const roll = dice(11)
  const bytes = noise(pages * pageBytes, 'database')
  for (let change = 0; ; change++) {
    const page = Math.floor(roll() ** 2 * pages)
    noise(pageBytes, `change ${change}`).copy(bytes, page * pageBytes)
    if (change % 10 === 9) yield Buffer.from(bytes)
  }
}

function sizeOf({ objects }: MemoryStore): number {
  return [...objects.values()].reduce((sum, bytes) => sum + bytes.length, 0)
}

async function allHold(repository: Repository, digests: ReadonlyMap<string, string>): Promise<boolean> {
  for (const snapshot of repository.snapshots()) {
    const restored = createHash('sha256')
      .update(await restore(repository, snapshot))
      .digest('hex')
    if (digests.get(snapshot.id) !== restored) return false
  }
  return true
}

for (const [hours, every] of [
  [500, 1],
  [120, 24],
]) {
  test(`${hours} hourly backups, pruned every ${every} hours, stay at most 1.3 times what a fresh repository takes`, async (t) => {
    const { store, repository } = await madeRepository()
    const streams = hourly()
    const digests = new Map<string, string>()
    const kept = new Map<string, Buffer>()
    for (let count = 1; count <= hours; count++) {
      const bytes = streams.next().value
      const time = new Date(begin + count * hour)
      const { snapshot } = await backUp(repository, bytes, { lengths, time })
      digests.set(snapshot.id, createHash('sha256').update(bytes).digest('hex'))
      kept.set(snapshot.id, bytes)
      const going = choose(repository.snapshots(), policy, time).filter(({ reasons }) => reasons.length === 0)
      if (going.length > 0) await repository.forget(going.map(({ snapshot: { id } }) => id))
      for (const { snapshot: gone } of going) kept.delete(gone.id)
      if (count % every === 0 || count === hours) await prunedNow(repository, { maxUnused: undefined })
    }
    const fresh = await madeRepository()
    for (const bytes of kept.values()) await backUp(fresh.repository, bytes, { lengths })
    const [taken, least] = [sizeOf(store), sizeOf(fresh.store)]
    t.comment(`${taken} bytes, fresh ${least}: ${(taken / least).toFixed(3)}; ${store.objects.size} objects`)
    t.ok(taken <= 1.3 * least, `${taken} of ${least}`)
    const opened = await reopened(store)
    t.equal(opened.snapshots().length, kept.size)
    t.ok(kept.size >= 28 && kept.size <= 31, `${kept.size} are kept`)
    t.ok(await allHold(opened, digests))
    t.same((await opened.check({})).damages, [])
  })
}
