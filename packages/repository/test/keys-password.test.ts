import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parsePassword, readPasswordFile } from '../src/index.ts'
import { u32 } from '../src/format.ts'
import { parsePasswordParameters, passwordSecret } from '../src/keys/password.ts'
import { openSlots } from '../src/keys/open-slots.ts'
import { encodeSlot, newSlotKey, readSlot, slotName } from '../src/keys/slot.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, pageBytes, restore } from './paged-backup.ts'
import { scratchFolder } from './scratch-folder.ts'

test('a password opens the repository, another one does not, and neither is it mistaken for damage', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(50 * pageBytes, 'password')
  await backUp(repository, bytes)
  const slot = await repository.keys.add(parsePassword('correct horse, Zürich'))
  t.equal(slot.kind, 'password')
  await repository.keys.rotate()
  await backUp(repository, bytes)
  // The same letters, composed otherwise, as another keyboard types them.
  const reader = await reopened(store, { secret: parsePassword('correct horse, Zu\u0308rich\n') })
  t.ok((await restore(reader, reader.find('latest'))).equals(bytes))
  t.same(
    reader.keys.list().map(({ opened }) => opened),
    [false, false, true],
  )
  await t.rejects(reopened(store, { secret: parsePassword('correct horse') }), {
    code: 'KPIPE_KEY_WRONG',
    message: /the password does not open/,
  })
  const { store: without } = await madeRepository()
  await t.rejects(reopened(without, { secret: parsePassword('x') }), { code: 'KPIPE_KEY_WRONG', message: /no key slot of that kind/ })
  const name = slotName(Buffer.from(slot.id, 'hex'), 1)
  const read = await readSlot(store, Buffer.from(repository.id, 'hex'), name)
  t.same(parsePasswordParameters(read!.slot!.parameters), {
    salt: read!.slot!.parameters.subarray(0, 16),
    memoryKiB: 65_536,
    passes: 3,
    lanes: 1,
  })
  await t.rejects(repository.keys.add(parsePassword('correct horse, Zürich')), { code: 'KPIPE_USAGE', message: /already/ })
})

test('argon2id gives what OpenSSL gives', async (t) => {
  const secret = await passwordSecret('password', Buffer.concat([Buffer.from('somesaltsomesalt'), u32(65_536), u32(2), u32(1)]))
  t.equal(Buffer.from(secret!).toString('hex'), 'fc33b78139231d34b71626bd6245c1d72efa190ad605c3d8166a72adcedfa2c2')
})

test('parameters out of their bounds are never used', async (t) => {
  const parameters = (memory: number, passes: number, lanes: number) =>
    Buffer.concat([Buffer.alloc(16), u32(memory), u32(passes), u32(lanes)])
  const [least, most] = [19 * 1024, 1024 * 1024]
  for (const good of [parameters(least, 1, 1), parameters(most, 10, 16)]) t.ok(parsePasswordParameters(good))
  const bad = [
    parameters(least - 1, 3, 1),
    parameters(most + 1, 3, 1),
    parameters(2 ** 32 - 1, 3, 1),
    parameters(65_536, 0, 1),
    parameters(65_536, 11, 1),
    parameters(65_536, 3, 0),
    parameters(65_536, 3, 17),
    parameters(65_536, 3, 1).subarray(0, 27),
    Buffer.alloc(0),
  ]
  for (const wrong of bad) {
    t.equal(parsePasswordParameters(wrong), undefined)
    t.equal(await passwordSecret('x', wrong), undefined)
  }
  const { store, repository } = await madeRepository()
  const id = Buffer.from(repository.id, 'hex')
  const { bundles } = await openSlots(store, id, keyFile)
  const greedy = newSlotKey(id, 'password', Buffer.alloc(32), parameters(2 ** 32 - 1, 2 ** 32 - 1, 1))
  const name = slotName(greedy.id, 1)
  store.objects.set(name, encodeSlot(id, greedy, bundles[0]))
  await t.rejects(reopened(store, { secret: parsePassword('x') }), { code: 'KPIPE_DAMAGED', message: name })
  t.equal((await reopened(store)).id, repository.id)
})

test('a store that holds more password slots than are ever made is refused before they are tried', async (t) => {
  const { store, repository } = await madeRepository()
  const id = Buffer.from(repository.id, 'hex')
  const { bundles } = await openSlots(store, id, keyFile)
  for (let number = 0; number < 17; number++) {
    const parameters = Buffer.concat([Buffer.alloc(16, number), u32(1), u32(3), u32(1)])
    const slot = newSlotKey(id, 'password', Buffer.alloc(32), parameters)
    store.objects.set(slotName(slot.id, 1), encodeSlot(id, slot, bundles[0]))
  }
  await t.rejects(reopened(store, { secret: parsePassword('x') }), { code: 'KPIPE_DAMAGED', message: /more than 16 password slots/ })
})

test('a password file holds one line', async (t) => {
  const path = join(scratchFolder(), 'password')
  writeFileSync(path, ' with spaces \r\n')
  t.same(await readPasswordFile(path), { kind: 'password', password: ' with spaces ' })
  for (const text of ['', '\n', 'two\nlines\n']) {
    writeFileSync(path, text)
    t.equal(await codeOf(() => readPasswordFile(path)), 'KPIPE_KEY_MALFORMED')
  }
  t.equal(await codeOf(() => readPasswordFile(`${path}x`)), 'KPIPE_KEY_MISSING')
})
