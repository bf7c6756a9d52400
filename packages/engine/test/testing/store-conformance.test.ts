import t from 'tap'
import type { Store, StoredObject, StoreStage } from '@kpipe/engine/contracts'
import { type MemoryStore, memoryStore, storeConformance } from '@kpipe/engine/testing'
import { failures } from './failures.ts'
import files from './files-store.ts'

const stores = new Map<string, MemoryStore>()

async function place() {
  const name = String(stores.size)
  stores.set(name, memoryStore())
  return { settings: { place: name } }
}

function storeStage(change: (store: MemoryStore) => Partial<Store> = () => ({})): StoreStage<{ place: string }> {
  return {
    kind: 'store',
    summary: 'a store of a test',
    settings: {
      type: 'object',
      properties: { place: { type: 'string', description: 'Where.' } },
      required: ['place'],
      additionalProperties: false,
    },
    open: async ({ place }) => ({ ...stores.get(place)!, ...change(stores.get(place)!) }),
  }
}

async function all(list: AsyncIterable<StoredObject>): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for await (const object of list) objects.push(object)
  return objects
}

const later = () => new Promise<void>((resolve) => setImmediate(resolve))
const missing = 'what is missing is undefined, and removing it is no fault'
const listed = 'objects are listed in the order of their names, with their sizes'
const ranges = 'an object is read whole and in ranges, also beyond its end'
const prefixes = 'a prefix is taken to the letter, and `after` leaves out what comes before'

const broken: Record<string, { stage: StoreStage<{ place: string }>; title: string; says: RegExp }> = {
  'that looks before it creates, and then creates': {
    stage: storeStage((store) => ({
      async create(name, parts) {
        if (store.objects.has(name)) return store.create(name, parts)
        await later()
        store.objects.delete(name)
        return store.create(name, parts)
      },
    })),
    title: 'of eight that create one name at once, exactly one wins',
    says: /^of 8 that create one name at once, 8 are told that it is theirs$/,
  },
  'that replaces': {
    stage: storeStage((store) => ({
      create(name, parts) {
        store.objects.delete(name)
        return store.create(name, parts)
      },
    })),
    title: 'a name that is taken is told, and its object stays',
    says: /is not told that the name is taken$/,
  },
  'that forgets that its reply may have been lost': {
    stage: storeStage((store) => ({ create: async (name, parts) => (store.objects.has(name) ? 'exists' : store.create(name, parts)) })),
    title: 'equal bytes count as created, for the reply may have been lost',
    says: /is not told as created$/,
  },
  'that answers whoever comes later that the name is taken': {
    stage: storeStage((store) => ({
      async create(name, parts) {
        const held = store.objects.get(name)
        await later()
        return held === undefined && store.objects.has(name) ? 'exists' : store.create(name, parts)
      },
    })),
    title: 'of eight that create one name with equal bytes at once, all are told that it is created',
    says: /^of 8 that create one name with equal bytes at once, 7 are told that another has it$/,
  },
  'that keeps the parts it was given': {
    stage: storeStage((store) => ({
      async create(name, parts) {
        const answer = await store.create(name, parts)
        if (parts.length === 5) store.objects.set(name, parts[4])
        return answer
      },
    })),
    title: 'an object is made of its parts, in order, and they stay as they are',
    says: /^an object whose parts were used for something else/,
  },
  'that lists as it likes': {
    stage: storeStage((store) => ({
      async *list(prefix, after) {
        for (const object of (await all(store.list(prefix, after))).toReversed()) yield object
      },
    })),
    title: listed,
    says: /^list of "" gives c, b0\/1/,
  },
  'that sorts folders before files': {
    stage: storeStage((store) => ({
      async *list(prefix, after) {
        const objects = await all(store.list(prefix, after))
        yield* objects.toSorted((a, b) => (a.name.split('/')[0] < b.name.split('/')[0] ? -1 : 1))
      },
    })),
    title: listed,
    says: /^list of "" gives a\/0/,
  },
  'whose list begins with `after`': {
    stage: storeStage((store) => ({
      async *list(prefix, after) {
        for await (const object of store.list(prefix)) if (after === undefined || object.name >= after) yield object
      },
    })),
    title: prefixes,
    says: /^list of "a" after "a-b" gives a-b/,
  },
  'that takes a prefix for a folder': {
    stage: storeStage((store) => ({
      async *list(prefix, after) {
        for await (const object of store.list('', after)) if (object.name.startsWith(prefix.replace(/\/?$/, '/'))) yield object
      },
    })),
    title: prefixes,
    says: /^list of "a" gives a\/0, a\/b\/c instead of a-b, a\/0/,
  },
  'that lists one page only': {
    stage: storeStage((store) => ({
      async *list(prefix, after) {
        yield* (await all(store.list(prefix, after))).slice(0, 100)
      },
    })),
    title: 'a long list has every object once, and so has one that goes on after each of them',
    says: /^list of "log\/" gives 100 objects.* instead of 130 objects/,
  },
  'that answers a missing name with nothing': {
    stage: storeStage((store) => ({ read: async (name, range) => (await store.read(name, range)) ?? new Uint8Array(0) })),
    title: missing,
    says: /^reading in an empty store gives something$/,
  },
  'that cannot remove what is missing': {
    stage: storeStage((store) => ({
      async remove(name) {
        if (!store.objects.delete(name)) throw new Error('no such object')
      },
    })),
    title: missing,
    says: /^no such object$/,
  },
  'that answers a range beyond the end with a fault': {
    stage: storeStage((store) => ({
      async read(name, range) {
        const bytes = await store.read(name, range)
        if (bytes && range && bytes.length < range.length) throw new Error('range not satisfiable')
        return bytes
      },
    })),
    title: ranges,
    says: /^range not satisfiable$/,
  },
  'that hands out its own bytes': {
    stage: storeStage((store) => ({ read: async (name) => store.objects.get(name) })),
    title: 'what is read is the caller’s own',
    says: /differs at byte 0/,
  },
  'that takes any name': {
    stage: storeStage((store) => ({ create: async (name, parts) => (store.objects.set(name, Buffer.concat(parts)), 'created') })),
    title: 'names that are none are refused',
    says: /^creating "" is not refused$/,
  },
}

t.test('the memory store keeps the promises of a store', async (t) => {
  t.same(await failures(storeConformance(storeStage(), place)), {})
})

for (const [what, { stage, title, says }] of Object.entries(broken)) {
  t.test(`a store ${what} is caught`, async (t) => {
    const failed = await failures(storeConformance(stage, place))
    t.match(failed[title], says, title)
  })
}

t.test('a store that writes files without care is caught by processes that race and are killed, and by nothing else', async (t) => {
  const folder = t.testdir({})
  let folders = 0
  const cases = storeConformance(files, async () => ({ settings: { path: `${folder}/${folders++}` } }), {
    module: import.meta.resolve('./files-store.ts'),
  })
  const failed = await failures(cases)
  t.same(Object.keys(failed).toSorted(), [
    'a process that is killed while it creates leaves all of an object or nothing',
    'of eight processes that create one name at once, exactly one wins',
    'of eight that create one name at once, exactly one wins',
    'who reads or lists while another process creates sees all of an object or nothing',
  ])
})
