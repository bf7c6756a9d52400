import type { Store, StoreStage } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes, type GivenSettings } from './conformance-case.ts'
import { descriptionCases, filled } from './description.ts'
import { demandRefused } from './refusal.ts'
import { noise } from './sample-bytes.ts'
import { creationCases } from './store-creation.ts'
import { listCases } from './store-listing.ts'
import { processCases } from './store-processes.ts'

/** An empty place that a store can be opened in, again and again. */
export interface StorePlace {
  readonly settings: GivenSettings
}

export interface StoreConformanceOptions {
  /** `file:` URL of the stage's module: with it, creating is raced and killed in processes of its own. */
  readonly module?: string
}

export interface StoreSubject {
  /** A new empty place. */
  place(): Promise<StorePlace>
  open(place: StorePlace): Promise<Store>
}

/** The promises of a store. `place` is called by each case. */
export function storeConformance(
  stage: StoreStage<never>,
  place: () => Promise<StorePlace>,
  options: StoreConformanceOptions = {},
): ConformanceCase[] {
  const subject: StoreSubject = {
    place,
    open: async ({ settings }) => stage.open(await filled<never>(stage, settings), { signal: new AbortController().signal }),
  }
  const opened = async () => subject.open(await place())
  const bytes = noise(10_000)
  const cases: ConformanceCase[] = [
    {
      title: 'it says where it is',
      async run() {
        const { location } = await opened()
        demand(typeof location === 'string' && location !== '', 'it has no location')
      },
    },
    {
      title: 'an object is read whole and in ranges, also beyond its end',
      async run() {
        const store = await opened()
        await store.create('a/b', [bytes.slice()])
        demandSameBytes(await found(store, 'a/b'), bytes, 'an object')
        for (const [offset, length] of [
          [0, 1],
          [0, 10_000],
          [9_999, 1],
          [1, 5_000],
          [9_990, 100],
          [0, 20_000],
          [10_000, 1],
          [20_000, 5],
          [5, 0],
        ]) {
          const part = await store.read('a/b', { offset, length })
          demand(part !== undefined, `a range of ${length} bytes from ${offset} is answered as if there were no object`)
          demandSameBytes(part, bytes.slice(offset, offset + length), `a range of ${length} bytes from ${offset}`)
        }
      },
    },
    {
      title: 'what is missing is undefined, and removing it is no fault',
      async run() {
        const store = await opened()
        demand((await store.read('none')) === undefined, 'reading in an empty store gives something')
        await store.remove('none')
        await store.create('a/b', [bytes.slice()])
        for (const name of ['a/c', 'b', 'b/c']) {
          demand((await store.read(name)) === undefined, `reading ${name}, which is missing, gives something`)
          demand(
            (await store.read(name, { offset: 0, length: 1 })) === undefined,
            `reading a range of ${name}, which is missing, gives something`,
          )
          await store.remove(name)
        }
        demandSameBytes(await found(store, 'a/b'), bytes, 'an object beside one that was removed')
        await store.remove('a/b')
        await store.remove('a/b')
        demand((await store.read('a/b')) === undefined, 'an object is there after it was removed')
        demand((await store.create('a/b', [noise(5, 2)])) === 'created', 'the name of a removed object is not free')
      },
    },
    {
      title: 'a name that others begin with, or that begins with another, is missing like any other',
      async run() {
        const store = await opened()
        await store.create('a/b', [bytes.slice()])
        for (const name of ['a', 'a/b/c']) {
          demand((await store.read(name)) === undefined, `reading ${name}, which is missing, gives something`)
          await store.remove(name)
        }
        demandSameBytes(await found(store, 'a/b'), bytes, 'an object beside a name that was removed')
      },
    },
    {
      title: 'what is read is the caller’s own',
      async run() {
        const store = await opened()
        await store.create('a', [bytes.slice()])
        const first = await found(store, 'a')
        first.fill(0)
        const part = await store.read('a', { offset: 0, length: 10 })
        part?.fill(1)
        demandSameBytes(await found(store, 'a'), bytes, 'an object whose bytes a reader has changed')
      },
    },
    {
      title: 'names that are none are refused',
      async run() {
        const store = await opened()
        for (const name of ['', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/../b', 'A', 'a b', 'a_b', 'a.b', 'ä', 'a\0', 'a'.repeat(121)]) {
          await demandRefused(() => store.create(name, [bytes]), `creating ${JSON.stringify(name)}`)
        }
        const longest = `a/${'b'.repeat(118)}`
        await store.create(longest, [bytes])
        demandSameBytes(await found(store, longest), bytes, 'an object with a name of 120 bytes')
      },
    },
  ]
  return [
    ...descriptionCases(stage, 'store'),
    ...cases,
    ...creationCases(subject),
    ...listCases(subject),
    ...(options.module === undefined ? [] : processCases(subject, stage, options.module)),
  ]
}

async function found(store: Store, name: string): Promise<Uint8Array> {
  const bytes = await store.read(name)
  demand(bytes !== undefined, `${name} is missing although it was created`)
  return bytes
}
