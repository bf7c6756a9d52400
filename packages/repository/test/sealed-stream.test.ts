import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { codeOf, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, pageBytes, restore } from './paged-backup.ts'

test('a byte flipped anywhere in a pack is named with pack and snapshot, or lies where nothing is read', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(40 * pageBytes, 'flip')
  const { snapshot } = await backUp(repository, bytes, { frameChunks: 16 })
  const reader = await reopened(store)
  let [found, harmless] = [0, 0]
  for (const name of packsOf(store.objects)) {
    const whole = store.objects.get(name)!
    for (let at = 0; at < whole.length; at++) {
      const altered = whole.slice()
      altered[at] ^= 0x40
      store.objects.set(name, altered)
      try {
        const restored = await restore(reader, snapshot)
        // The pack's header and the directory of a recipe pack are not read by a restore.
        if (!restored.equals(bytes)) t.fail(`${name} byte ${at}: wrong bytes`)
        harmless += 1
      } catch (error) {
        const { code, message } = error as { code: string; message: string }
        if (code !== 'KPIPE_DAMAGED' || !message.includes(name) || !message.includes(snapshot.shortId))
          t.fail(`${name} byte ${at}: ${message}`)
        found += 1
      }
    }
    store.objects.set(name, whole)
  }
  t.ok(found > 3000, `${found} found, ${harmless} harmless`)
})

test('a pack that is missing or cut off is named with the snapshot', async (t) => {
  const { store, repository } = await madeRepository()
  const { snapshot } = await backUp(repository, noise(40 * pageBytes, 'missing'))
  for (const name of packsOf(store.objects)) {
    for (const [alter, code] of [
      [(objects: Map<string, Uint8Array>) => objects.delete(name), 'KPIPE_OBJECT_MISSING'],
      [(objects: Map<string, Uint8Array>) => objects.set(name, store.objects.get(name)!.slice(0, 60)), 'KPIPE_DAMAGED'],
    ] as const) {
      const altered = memoryStore(store.objects)
      alter(altered.objects)
      const reader = await reopened(altered)
      await t.rejects(restore(reader, reader.find('latest')), { code, message: new RegExp(`${name}.*${snapshot.shortId}`) })
    }
  }
})

test('two packs that are swapped are noticed', async (t) => {
  const { store, repository } = await madeRepository()
  await backUp(repository, noise(40 * pageBytes, 'one'))
  await backUp(repository, noise(40 * pageBytes, 'two'), { name: 'other' })
  const names = packsOf(store.objects)
  let noticed = 0
  for (const one of names) {
    for (const other of names.filter((name) => name > one)) {
      const swapped = memoryStore(store.objects)
      swapped.objects.set(one, store.objects.get(other)!).set(other, store.objects.get(one)!)
      const reader = await reopened(swapped)
      const codes = await Promise.all(reader.snapshots().map((snapshot) => codeOf(() => restore(reader, snapshot))))
      if (codes.includes('KPIPE_DAMAGED')) noticed += 1
    }
  }
  t.equal(noticed, 6)
})

test('frames without a chunk of the snapshot are not listed', async (t) => {
  const { repository } = await madeRepository()
  const bytes = noise(160 * pageBytes, 'frames')
  await backUp(repository, bytes, { frameChunks: 16 })
  noise(32 * pageBytes, 'other frames').copy(bytes)
  const { snapshot } = await backUp(repository, bytes, { frameChunks: 16 })
  t.equal((await repository.openStream(snapshot)).frames, 10)
  t.ok((await restore(repository, snapshot)).equals(bytes))
})

test('a loaded frame has its own memory and the codecs and secrets of its making', async (t) => {
  const { repository } = await madeRepository()
  const { snapshot } = await backUp(repository, noise(40 * pageBytes, 'own'))
  const frame = await (await repository.openStream(snapshot)).load(0)
  t.equal(frame.bytes.byteOffset, 0)
  t.equal(frame.bytes.buffer.byteLength, frame.bytes.length)
  t.same(frame.codecs, [{ stage: 'identity', version: '1.0.0', settings: { level: 3 } }])
  t.same(frame.secrets, repository.secrets(frame.codecs))
  t.equal(frame.secrets.key.length, 32)
  t.equal(frame.pageBytes, pageBytes)
})

function packsOf(objects: ReadonlyMap<string, Uint8Array>): string[] {
  return [...objects.keys()].filter((name) => name.startsWith('packs/'))
}

test('pages with the same content are each read where they were stored', async (t) => {
  const { repository } = await madeRepository()
  const [one, other] = [noise(pageBytes, 'one'), noise(pageBytes, 'other')]
  const bytes = Buffer.concat([one, other, one, other, other, one])
  const { snapshot } = await backUp(repository, bytes, { frameChunks: 2 })
  const { frameOf, slotOf } = await repository.openStream(snapshot)
  t.same([...frameOf], [0, 0, 1, 1, 2, 2])
  t.same([...slotOf], [0, 1, 0, 1, 0, 1])
  t.ok((await restore(repository, snapshot)).equals(bytes))
})
