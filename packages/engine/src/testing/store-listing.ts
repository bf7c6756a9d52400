import type { Store } from '../contracts/index.ts'
import { type ConformanceCase, demand } from './conformance-case.ts'
import { noise } from './sample-bytes.ts'
import type { StoreSubject } from './store-conformance.ts'

/** In byte order: a hyphen comes before a slash, and that before digits and letters. */
const names = ['a-b', 'a/0', 'a/b/c', 'a0', 'ab/c', 'b/1', 'b/10', 'b/2', 'b0/1', 'c']
const many = 130

/** What `list` promises. */
export function listCases(subject: StoreSubject): ConformanceCase[] {
  return [
    {
      title: 'an empty store lists nothing',
      async run() {
        const store = await subject.open(await subject.place())
        await demandListed(store, '', undefined, [])
        await demandListed(store, 'a/', 'a/b', [])
      },
    },
    {
      title: 'objects are listed in the order of their names, with their sizes',
      async run() {
        const store = await filledStore(subject)
        await demandListed(store, '', undefined, names)
        for await (const { name, bytes } of store.list('')) {
          demand(bytes === sizeOf(name), `${name} is listed with ${bytes} bytes instead of ${sizeOf(name)}`)
        }
      },
    },
    {
      title: 'a prefix is taken to the letter, and `after` leaves out what comes before',
      async run() {
        const store = await filledStore(subject)
        for (const prefix of ['a', 'a/', 'a/b', 'a-', 'b', 'b/', 'b/1', 'c', 'c/', 'd', 'b0/']) {
          for (const after of [undefined, '', 'a', 'a-b', 'a/', 'a/b', 'b/1', 'b/15', 'zz']) {
            const expected = names.filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
            await demandListed(store, prefix, after, expected)
          }
        }
      },
    },
    {
      title: 'a long list has every object once, and so has one that goes on after each of them',
      async run() {
        const store = await subject.open(await subject.place())
        const long = Array.from({ length: many }, (_, index) => `log/${String(index).padStart(6, '0')}`)
        for (const name of long.toReversed()) await store.create(name, [new Uint8Array(1)])
        await demandListed(store, 'log/', undefined, long)
        for (const from of [0, 1, 63, many - 2, many - 1]) await demandListed(store, 'log/', long[from], long.slice(from + 1))
      },
    },
    {
      title: 'what was removed is not listed',
      async run() {
        const store = await filledStore(subject)
        for (const name of ['a/b/c', 'b/10', 'c']) await store.remove(name)
        await demandListed(
          store,
          '',
          undefined,
          names.filter((name) => !['a/b/c', 'b/10', 'c'].includes(name)),
        )
      },
    },
  ]
}

async function filledStore(subject: StoreSubject): Promise<Store> {
  const place = await subject.place()
  const store = await subject.open(place)
  for (const name of names.toReversed()) await store.create(name, [noise(sizeOf(name))])
  // Another one: what is listed is what is there, not what this one remembers.
  return subject.open(place)
}

function sizeOf(name: string): number {
  return names.indexOf(name) * 100
}

async function demandListed(store: Store, prefix: string, after: string | undefined, expected: readonly string[]): Promise<void> {
  const seen: string[] = []
  for await (const { name } of after === undefined ? store.list(prefix) : store.list(prefix, after)) seen.push(name)
  const same = seen.length === expected.length && seen.every((name, index) => name === expected[index])
  const asked = `list of ${JSON.stringify(prefix)}${after === undefined ? '' : ` after ${JSON.stringify(after)}`}`
  demand(same, `${asked} gives ${told(seen)} instead of ${told(expected)}`)
}

function told(names: readonly string[]): string {
  return names.length > 12 ? `${names.length} objects, the first ${names[0]}` : names.join(', ') || 'nothing'
}
