import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import type { Store } from '@kpipe/engine/contracts'
import { test } from 'tap'
import type { BackupWriter, Repository } from '../../src/index.ts'
import { codeOf, reopened } from '../made-repository.ts'
import { backUp, begin, commit, feed } from '../paged-backup.ts'
import { fault, history, settled } from './collected-history.ts'
import type { History } from './collected-history.ts'
import { flip, packs, readAll } from '../damage/damaged-history.ts'
import { prunedNow } from './kept-history.ts'

// A collection is stopped before its calls to the store, and others act meanwhile.

/** Runs `before` ahead of the call of that number, counted from `arm`. */
class StoppedStore implements Store {
  readonly location = 'stopped'
  readonly #store: Store
  #at = Infinity
  #before: () => Promise<void> = async () => undefined
  #reads = 0
  calls = 0

  constructor(store: Store) {
    this.#store = store
  }

  arm(at: number, before: () => Promise<void>): void {
    this.#at = at
    this.#before = before
    this.calls = 0
    this.#reads = 0
  }

  /** What reads alone is stopped now and then: others that act before the one read or the next make hardly a difference. */
  async #call<Result>(writes: boolean, work: () => Promise<Result>): Promise<Result> {
    if ((writes || this.#reads++ % 3 === 0) && ++this.calls === this.#at) await this.#before()
    return work()
  }

  create(name: string, parts: readonly Uint8Array[]): ReturnType<Store['create']> {
    return this.#call(true, () => this.#store.create(name, parts))
  }

  read(...args: Parameters<Store['read']>): ReturnType<Store['read']> {
    return this.#call(false, () => this.#store.read(...args))
  }

  async *list(...args: Parameters<Store['list']>): ReturnType<Store['list']> {
    await this.#call(true, async () => undefined)
    yield* this.#store.list(...args)
  }

  remove(name: string): Promise<void> {
    return this.#call(true, () => this.#store.remove(name))
  }
}

/** What another process does: before the collection, at one of its calls, and when it is over. Resolves with ids of new snapshots. */
interface Beside {
  readonly before?: (other: Repository) => Promise<void>
  readonly during?: (other: Repository, held: MemoryStore) => Promise<readonly string[]>
  readonly after?: (other: Repository) => Promise<readonly string[]>
}

/** Plays a collection once for each call at which it is stopped; what went wrong, and how the collections ended. */
async function atEveryCall(besideOf: (past: History) => Beside): Promise<{ calls: number; faults: string[]; codes: Set<string> }> {
  const past = await history()
  const played = { calls: 0, faults: [] as string[], codes: new Set<string>() }
  for (let at = 1; ; at++) {
    const held = memoryStore([...past.objects])
    const store = new StoppedStore(held)
    const [collecting, other] = [await reopened(store), await reopened(held)]
    const { before, during, after } = besideOf(past)
    await before?.(other)
    const more: string[] = []
    let acted = false
    store.arm(at, async () => {
      acted = true
      more.push(...((await during?.(other, held)) ?? []))
    })
    const code = await codeOf(() => prunedNow(collecting, { reseal: true }))
    if (!acted) return { ...played, calls: at - 1 }
    played.codes.add(code)
    more.push(...((await after?.(other)) ?? []))
    const problem = (await fault(held, past, more)) ?? (await settled(held)) ?? (await fault(held, past, more))
    if (problem !== undefined) played.faults.push(`call ${at}: ${problem}`)
  }
}

test('the history has something for every step of a collection', async (t) => {
  const { objects } = await history()
  const report = await prunedNow(await reopened(memoryStore([...objects])), { reseal: true })
  t.ok(report.condemned.objects > 0 && report.swept.objects > 0 && report.leftovers.objects > 0 && report.compacted.objects > 3)
  t.ok(report.written.objects >= 2)
})

test('a whole backup at any call of a collection succeeds and restores', async (t) => {
  const { calls, faults, codes } = await atEveryCall(({ streams }) => ({
    during: async (other) => [(await backUp(other, streams.at(-2)!, { name: 'one', member: 'm1' })).snapshot.id],
  }))
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})

test('a backup that began before a collection commits at any call of it', async (t) => {
  const { calls, faults, codes } = await atEveryCall(({ streams }) => {
    let writer: BackupWriter | undefined
    return {
      async before(other) {
        writer = await begin(other, { name: 'one', member: 'm1' })
        await feed(other, writer, streams.at(-1)!)
      },
      during: async () => [(await commit(writer!, streams.at(-1)!)).snapshot.id],
    }
  })
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})

test('a backup that begins at any call of a collection commits when it is over', async (t) => {
  const { calls, faults, codes } = await atEveryCall(({ streams }) => {
    let writer: BackupWriter | undefined
    return {
      async during(other) {
        writer = await begin(other, { name: 'two', member: 'm1' })
        await feed(other, writer, streams.at(-3)!)
        return []
      },
      after: async () => [(await commit(writer!, streams.at(-3)!)).snapshot.id],
    }
  })
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})

test('another collection at any call of a collection loses nothing', async (t) => {
  const { calls, faults, codes } = await atEveryCall(() => ({
    async during(other) {
      await prunedNow(other)
      return []
    },
  }))
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})

test('a snapshot that is forgotten, and collected by another, at any call of a collection takes nothing else with it', async (t) => {
  const { calls, faults, codes } = await atEveryCall(({ streams }) => {
    let [gone, kept]: [string | undefined, string | undefined] = [undefined, undefined]
    return {
      async before(other) {
        gone = (await backUp(other, streams[3], { name: 'one', member: 'm1' })).snapshot.id
        kept = (await backUp(other, streams[4], { name: 'one', member: 'm1' })).snapshot.id
      },
      async during(other) {
        await other.forget([gone!])
        await prunedNow(other)
        return [kept!]
      },
    }
  })
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})

test('a rotation of the keys at any call of a collection loses nothing', async (t) => {
  const { calls, faults, codes } = await atEveryCall(() => ({
    async during(other) {
      await other.keys.rotate()
      return []
    },
  }))
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})

test('damage that comes, is noted and goes again at any call of a collection loses nothing', async (t) => {
  const { calls, faults, codes } = await atEveryCall(() => ({
    async during(other, held) {
      for (const name of packs(held, 'D')) {
        const whole = held.objects.get(name)
        // The collection may be removing it.
        if (whole === undefined) continue
        flip(held, name, 60)
        await readAll(other)
        held.objects.set(name, whole)
      }
      return []
    },
    async after(other) {
      await readAll(other)
      return []
    },
  }))
  t.ok(calls > 30, `${calls} calls`)
  t.same(faults, [])
  t.same([...codes], ['none'])
})
