import { type ConformanceCase, demand, demandSameBytes } from './conformance-case.ts'
import { noise } from './sample-bytes.ts'
import type { StoreSubject } from './store-conformance.ts'

const racers = 8

/** What `create` promises within one process. */
export function creationCases(subject: StoreSubject): ConformanceCase[] {
  const bytes = noise(10_000)
  return [
    {
      title: 'an object is made of its parts, in order, and they stay as they are',
      async run() {
        const store = await subject.open(await subject.place())
        const parts = [new Uint8Array(0), bytes.slice(0, 1), bytes.slice(1, 5_000), new Uint8Array(0), bytes.slice(5_000)]
        demand((await store.create('a', parts)) === 'created', 'a new object is not told as created')
        demandSameBytes(new Uint8Array(Buffer.concat(parts)), bytes, 'what an object was made of')
        for (const part of parts) part.fill(0)
        demandSameBytes((await store.read('a')) ?? new Uint8Array(0), bytes, 'an object whose parts were used for something else')
        for (const [name, none] of [
          ['b', []],
          ['c', [new Uint8Array(0)]],
        ] as const) {
          demand((await store.create(name, none)) === 'created', 'an empty object is not told as created')
          demandSameBytes((await store.read(name)) ?? bytes, new Uint8Array(0), 'an empty object')
        }
      },
    },
    {
      title: 'a name that is taken is told, and its object stays',
      async run() {
        const place = await subject.place()
        await (await subject.open(place)).create('a', [bytes.slice()])
        const store = await subject.open(place)
        const others = [noise(10_000, 2), bytes.slice(0, 9_999), new Uint8Array([...bytes, 0]), new Uint8Array(0)]
        for (const other of others) {
          demand(
            (await store.create('a', [other])) === 'exists',
            `another object of ${other.length} bytes is not told that the name is taken`,
          )
          demandSameBytes((await store.read('a')) ?? new Uint8Array(0), bytes, 'an object that another one was to replace')
        }
      },
    },
    {
      title: 'equal bytes count as created, for the reply may have been lost',
      async run() {
        const place = await subject.place()
        await (await subject.open(place)).create('a', [bytes.slice()])
        const again = await (await subject.open(place)).create('a', [bytes.slice(0, 3), bytes.slice(3)])
        demand(again === 'created', 'an object that is there with equal bytes is not told as created')
      },
    },
    {
      title: 'of eight that create one name at once, exactly one wins',
      async run() {
        const place = await subject.place()
        const stores = await Promise.all(Array.from({ length: racers }, () => subject.open(place)))
        for (let round = 0; round < 10; round++) {
          const name = `race/${round}`
          const answers = await Promise.all(stores.map((store, racer) => store.create(name, [noise(5_000, racer + 1)])))
          const winners = answers.flatMap((answer, racer) => (answer === 'created' ? [racer] : []))
          demand(winners.length === 1, `of ${racers} that create one name at once, ${winners.length} are told that it is theirs`)
          demandSameBytes((await stores[0].read(name)) ?? new Uint8Array(0), noise(5_000, winners[0] + 1), 'what the winner created')
        }
      },
    },
    {
      title: 'of eight that create one name with equal bytes at once, all are told that it is created',
      async run() {
        const place = await subject.place()
        const stores = await Promise.all(Array.from({ length: racers }, () => subject.open(place)))
        for (let round = 0; round < 10; round++) {
          const answers = await Promise.all(stores.map((store) => store.create(`equal/${round}`, [bytes.slice()])))
          const refused = answers.filter((answer) => answer !== 'created').length
          demand(refused === 0, `of ${racers} that create one name with equal bytes at once, ${refused} are told that another has it`)
        }
      },
    },
  ]
}
