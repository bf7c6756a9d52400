import { test } from 'tap'
import type { Snapshot } from '../../src/index.ts'
import { dice, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, pageBytes, restore } from '../paged-backup.ts'
import { prunedNow } from '../collection/kept-history.ts'
import { flip, packs, readAll } from './damaged-history.ts'

const seeds = 30
const stepsEach = 30

test('whatever backups, forgets, prunes, checks and faults come in whatever order, who is not told to be damaged is whole', async (t) => {
  const counts = { hurt: 0, whole: 0, healed: 0, faults: 0, again: 0, compacted: 0 }
  for (let seed = 1; seed <= seeds; seed++) {
    const roll = dice(seed)
    const pick = <Of>(list: readonly Of[]): Of => list[Math.floor(roll() * list.length)]
    const { store } = await madeRepository()
    const now = new Map(['one', 'two'].map((name) => [name, noise(120 * pageBytes, 'common')]))
    const made = new Map<string, { snapshot: Snapshot; bytes: Buffer }>()
    const taken = new Map<string, Uint8Array>()
    const backUpOne = async (): Promise<void> => {
      const name = pick([...now.keys()])
      const bytes = now.get(name)!
      for (let change = 0; change < 8; change++) noise(pageBytes, String(roll())).copy(bytes, Math.floor(roll() * 120) * pageBytes)
      const { snapshot } = await backUp(await reopened(store), bytes, { name, frameChunks: 12 })
      made.set(snapshot.id, { snapshot, bytes: Buffer.from(bytes) })
    }
    const check = async (): Promise<void> => {
      const repository = await reopened(store)
      const report = await readAll(repository)
      counts.healed += report.healed
      const hurt = new Set(report.damages.flatMap(({ snapshots }) => snapshots))
      const reader = await reopened(store)
      for (const { id } of reader.snapshots()) {
        counts[hurt.has(id) ? 'hurt' : 'whole'] += 1
        if (hurt.has(id)) continue
        const found = await restore(reader, reader.find(id)).catch((error: Error) => error)
        if (!(found instanceof Buffer) || !found.equals(made.get(id)!.bytes))
          t.fail(`seed ${seed}: ${id.slice(0, 12)} ${String(found).slice(0, 200)}`)
      }
      const first = reader.snapshots().find(({ id }) => hurt.has(id))
      const intact = first && (await reader.newestIntact(first))
      // One may be told to be damaged for a directory of recipes that it can do without.
      const restored = intact && (await restore(reader, intact).catch((error: Error) => error))
      if (restored instanceof Error) t.fail(`seed ${seed}: ${intact!.shortId} is told to be intact: ${restored.message}`)
    }
    const steps: (() => Promise<void>)[] = [
      backUpOne,
      backUpOne,
      backUpOne,
      async () => {
        const repository = await reopened(store)
        const going = repository.snapshots().filter(({ id, name }) => roll() < 0.3 && repository.snapshots({ name }).at(-1)!.id !== id)
        if (going.length > 0) await repository.forget(going.map(({ id }) => id))
      },
      async () => {
        counts.compacted += (await prunedNow(await reopened(store))).compacted.objects
      },
      async () => {
        const name = pick([...packs(store, 'D'), ...packs(store, 'M').slice(0, 1)])
        if (name === undefined || roll() < 0.4) return
        counts.faults += 1
        taken.set(name, Uint8Array.from(store.objects.get(name)!))
        if (roll() < 0.5) store.objects.delete(name)
        else flip(store, name, 48 + Math.floor(roll() * (store.objects.get(name)!.length - 48)))
      },
      async () => {
        const name = pick([...taken.keys()])
        if (name === undefined) return
        counts.again += 1
        store.objects.set(name, taken.get(name)!)
        taken.delete(name)
      },
      check,
    ]
    await backUpOne()
    for (let step = 0; step < stepsEach; step++) await pick(steps)()
    await check()
  }
  t.comment(JSON.stringify(counts))
  for (const [what, count] of Object.entries(counts)) t.ok(count > 20, `${what}: ${count}`)
})
