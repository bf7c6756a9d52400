import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { u32 } from '../src/format.ts'
import { encode } from '../src/msgpack.ts'
import { KeptMemory, keptMemory } from '../src/stream-memory/kept-memory.ts'
import type { MemoryPlace } from '../src/stream-memory/memory-place.ts'
import { decodeIndex, encodeIndex, headerBytes, maxRecordBytes, maxRecords } from '../src/stream-memory/record-index.ts'
import { openRecords } from '../src/stream-memory/record-reader.ts'
import { fileStart, recordSeal } from '../src/stream-memory/record-seal.ts'
import { isSame, kept, parentId, placeIn, recallAll, remember, ringOf, stream, variedRecords, watchedFiles } from './kept-streams.ts'
import { noise } from './made-repository.ts'
import { scratchFolder } from './scratch-folder.ts'

const otherId = 'cd'.repeat(32)

test('what was remembered of a stream is recalled, all of it or a part', async (t) => {
  const place = placeIn(scratchFolder())
  const records = variedRecords(300, 'round trip')
  await remember(place, records)
  t.ok(statSync(place.path).size > 9 * 2 ** 20, 'many pieces')
  const recalled = await recallAll(place, records.length)
  t.ok(records.every((record, at) => isSame(recalled[at], record)))
  for (const wanted of [[7, 8, 9], [299], [5, 6, 150, 151, 290], [40, 41], [200, 10], [12, 12]]) {
    const partly = await keptMemory(place, openRecords(place), parentId)
    for (const segment of wanted) t.ok(isSame(await partly!.recall(segment), records[segment]), `${segment} of ${wanted.join()}`)
    await partly!.discard()
  }
  const { files, bytesRead } = countedFiles()
  const atOnce = await keptMemory(place, openRecords({ ...place, files }), parentId)
  for (const segment of [-1, 300, 0.5, Number.NaN, 2 ** 40]) t.equal(await atOnce!.recall(segment), undefined, `no segment ${segment}`)
  const all = await Promise.all(records.map((_, segment) => atOnce!.recall(segment)))
  t.ok(
    records.every((record, at) => isSame(all[at], record)),
    'without waiting for one another',
  )
  t.ok(bytesRead() < statSync(place.path).size + 2000, 'nothing is read twice')
  await atOnce!.discard()
  t.equal(await atOnce!.recall(0), undefined, 'nothing when it is ended')
})

test('nothing is recalled at first, and what was given to be remembered may change', async (t) => {
  const place = placeIn(scratchFolder())
  const memory = new KeptMemory(place, undefined)
  t.equal(await memory.recall(0), undefined)
  const given = noise(30_000, 'given')
  memory.remember(given)
  given.fill(0)
  await memory.finish(parentId)
  t.ok(isSame((await recallAll(place, 1))[0], noise(30_000, 'given')))
})

test('it is recalled for that very snapshot, and by the same version alone', async (t) => {
  const place = placeIn(scratchFolder())
  const records = variedRecords(5, 'bound')
  await remember(place, records)
  const nothing = async (title: string, other: MemoryPlace, parent: string | undefined = parentId): Promise<void> => {
    t.ok(
      (await recallAll(other, 5, parent)).every((record) => record === undefined),
      title,
    )
  }
  await nothing('another parent', place, otherId)
  const orphan = await keptMemory(place, openRecords(place), undefined)
  t.equal(await orphan!.recall(0), undefined, 'no parent')
  await orphan!.discard()
  await nothing('another version', { ...place, version: `${place.version}1` })
  await nothing('another epoch', { ...place, epoch: 2 })
  const ring = ringOf()
  await nothing('keys of another epoch', { ...place, workingKey: ring.workingKey(2, 'stream-memory') })
  t.ok(isSame((await recallAll(place, 5))[4], records[4]), 'it is still there')
})

test('each stream, repository and epoch has a file of its own, and no other opens it', async (t) => {
  const folder = scratchFolder()
  const place = placeIn(folder)
  const records = variedRecords(3, 'own')
  await remember(place, records)
  const others: Record<string, MemoryPlace> = {
    name: placeIn(folder, { stream: { name: 'prod2' } }),
    member: placeIn(folder, { stream: { member: 'm2' } }),
    chunking: placeIn(folder, { stream: { chunking: 'page/8192' } }),
    'the same text in other places': placeIn(folder, { stream: { name: 'pro', member: 'dm1' } }),
    repository: placeIn(folder, { ring: ringOf(2) }),
    epoch: placeIn(folder, { epoch: 2 }),
  }
  t.equal(new Set([place, ...Object.values(others)].map(({ path }) => path)).size, 7)
  for (const [title, other] of Object.entries(others)) {
    t.equal(await (await recallAll(other, 3))[0], undefined, `no file of another ${title}`)
    if (title !== 'repository' && title !== 'epoch') continue
    copyFileSync(place.path, other.path)
    t.equal((await recallAll(other, 3))[0], undefined, `not opened with the keys of another ${title}`)
  }
  t.match(place.path, /\/streams\/[0-9a-f]{32}$/)
  t.ok(isSame((await recallAll(place, 3))[2], records[2]))
})

test('the folder and the file are its owner’s alone, and nothing of the stream is to be read in them', async (t) => {
  const folder = join(scratchFolder(), 'state', 'kpipe')
  const place = placeIn(folder)
  const records = variedRecords(60, 'plain')
  const umask = process.umask(0)
  await remember(place, records)
  process.umask(umask)
  for (const made of [folder, place.folder]) t.equal(statSync(made).mode & 0o777, 0o700, made)
  t.equal(statSync(place.path).mode & 0o777, 0o600)
  t.equal(kept(place).length, 1, 'no draft is left')
  const bytes = readFileSync(place.path)
  for (const record of records) {
    if (record.length < 16) continue
    for (const at of [0, Math.floor(record.length / 2), record.length - 16])
      if (bytes.includes(record.subarray(at, at + 16))) t.fail('plain bytes of a record')
  }
  for (const text of [stream.name, stream.chunking, 'snapshot', place.version, Buffer.from(parentId, 'hex')]) t.notOk(bytes.includes(text))
})

test('of a file that is damaged anywhere, or ends anywhere, a record is recalled as it was or not at all', async (t) => {
  const place = placeIn(scratchFolder())
  const records = [noise(40, 'one'), noise(40, 'two'), Buffer.alloc(0), noise(7, 'four')]
  await remember(place, records)
  const whole = readFileSync(place.path)
  const files = watchedFiles()
  const judge = async (title: string, bytes: Uint8Array): Promise<number> => {
    writeFileSync(place.path, bytes)
    const recalled = await recallAll({ ...place, files }, records.length)
    const wrong = recalled.some((record, at) => record !== undefined && !isSame(record, records[at]))
    if (wrong) t.fail(title)
    return recalled.filter((record) => record !== undefined).length
  }
  t.equal(await judge('untouched', whole), 4)
  const counts: number[] = []
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole)
    damaged[at] ^= 1 << (at % 8)
    counts.push(await judge(`byte ${at}`, damaged))
  }
  t.notOk(counts.includes(4), 'no byte goes without saying')
  t.same(new Set(counts.slice(headerBytes, headerBytes + 56)), new Set([0]), 'the first record')
  t.same(new Set(counts.slice(headerBytes + 112, headerBytes + 128)), new Set([2]), 'the third')
  for (let length = 0; length < whole.length; length++)
    t.equal(await judge(`${length} bytes`, whole.subarray(0, length)), 0, `${length} bytes`)
  t.equal(await judge('longer', Buffer.concat([whole, Buffer.alloc(8)])), 0)
  const swapped = Buffer.from(whole)
  whole.copy(swapped, headerBytes, headerBytes + 56, headerBytes + 112)
  whole.copy(swapped, headerBytes + 56, headerBytes, headerBytes + 56)
  t.equal(await judge('two records swapped', swapped), 0)
  await remember(place, records)
  const again = readFileSync(place.path)
  t.equal(
    await judge('a record of an earlier file', Buffer.concat([again.subarray(0, 44), whole.subarray(44, 100), again.subarray(100)])),
    0,
  )
  t.equal(await judge('the index of an earlier file', Buffer.concat([again.subarray(0, 171), whole.subarray(171)])), 0)
  t.equal(files.left(), 0, 'every file is closed')
})

test('an index that was sealed and is none, or says more than the file holds, is not taken', async (t) => {
  const place = placeIn(scratchFolder())
  mkdirSync(place.folder)
  const salt = noise(32, 'salt')
  const seal = recordSeal(place.workingKey, salt)
  const record = noise(100, 'record')
  const index = { snapshot: Buffer.from(parentId, 'hex'), epoch: 1, version: place.version, lengths: u32(100) }
  const recalled = async (plain: Buffer, start = 44 + 116): Promise<number> => {
    const footer = Buffer.alloc(8)
    footer.writeBigUInt64LE(BigInt(start))
    writeFileSync(place.path, Buffer.concat([fileStart, salt, ...seal.seal(0, record), ...seal.seal('index', plain), footer]))
    return (await recallAll(place, 3)).filter((each) => each !== undefined).length
  }
  t.equal(await recalled(encode(index)), 1)
  const wrong: Record<string, unknown> = {
    'no map': [index],
    'no snapshot': { ...index, snapshot: undefined },
    'a short id': { ...index, snapshot: index.snapshot.subarray(1) },
    'an id as text': { ...index, snapshot: parentId },
    'an epoch that is none': { ...index, epoch: -1 },
    'no version': { ...index, version: 1 },
    'lengths as a list': { ...index, lengths: [100] },
    'a column cut short': { ...index, lengths: Buffer.from([100, 0, 0]) },
    'no record': { ...index, lengths: Buffer.alloc(0) },
    'a length too small': { ...index, lengths: u32(99) },
    'a length too large': { ...index, lengths: u32(101) },
    'a huge length': { ...index, lengths: u32(0xffff_ffff) },
    'a record too many': { ...index, lengths: Buffer.concat([u32(100), u32(0)]) },
  }
  for (const [title, value] of Object.entries(wrong)) t.equal(await recalled(encode(value)), 0, title)
  t.equal(await recalled(noise(200, 'no msgpack')), 0, 'no msgpack')
  for (const start of [0, 43, 44, 159, 161, 2 ** 31, 2 ** 53])
    t.equal(await recalled(encode(index), start), 0, `an index that begins at ${start}`)
  const told = { snapshot: parentId, epoch: 1, version: '1' }
  const many = encodeIndex({ ...told, lengths: Array.from({ length: maxRecords + 1 }, () => 0) })
  t.throws(() => decodeIndex(many, 44 + 16 * (maxRecords + 1)), RangeError)
  t.throws(() => decodeIndex(encodeIndex({ ...told, lengths: [maxRecordBytes + 1] }), 44 + maxRecordBytes + 17), RangeError)
  t.match(decodeIndex(encodeIndex({ ...told, lengths: [maxRecordBytes] }), 44 + maxRecordBytes + 16), told)
})

test('two backups of a stream at once do not disturb each other: the last one that is finished stays', async (t) => {
  const place = placeIn(scratchFolder())
  const [first, second] = [variedRecords(120, 'first'), variedRecords(130, 'second')]
  const [one, other] = [new KeptMemory(place, undefined), new KeptMemory(place, undefined)]
  for (const [at, record] of second.entries()) {
    if (at < first.length) one.remember(first[at])
    other.remember(record)
    if (at % 20 === 0) await new Promise(setImmediate)
  }
  await one.finish(parentId)
  const reading = await keptMemory(place, openRecords(place), parentId)
  t.ok(isSame(await reading!.recall(1), first[1]))
  await other.finish(otherId)
  for (const at of [2, 60, 119]) t.ok(isSame(await reading!.recall(at), first[at]), 'a reader keeps the file that it has opened')
  await reading!.discard()
  const recalled = await recallAll(place, second.length, otherId)
  t.ok(second.every((record, at) => isSame(recalled[at], record)))
  t.equal(kept(place).length, 1)
})

test('what is discarded leaves nothing, and nothing is what is left of a stream without records', async (t) => {
  const folder = scratchFolder()
  const place = placeIn(folder)
  const empty = new KeptMemory(place, undefined)
  await empty.finish(parentId)
  t.same(readdirSync(folder), [])
  const files = watchedFiles()
  const memory = new KeptMemory({ ...place, files }, undefined)
  for (const record of variedRecords(100, 'discarded')) memory.remember(record)
  while (files.left() === 0) await new Promise(setImmediate)
  t.match(kept(place), [/^[0-9a-f]{32}\.[0-9a-f]{12}$/], 'a draft')
  await memory.discard()
  await memory.discard()
  memory.remember(noise(10, 'late'))
  await memory.finish(parentId)
  t.same(kept(place), [])
  t.equal(files.left(), 0)
  await remember(place, [noise(10, 'early')])
  const later = new KeptMemory(place, undefined)
  later.remember(noise(10, 'ended'))
  await Promise.all([later.finish(otherId), later.discard()])
  t.equal((await recallAll(place, 1, otherId))[0]?.length, 10, 'a discard does not undo what is finished')
  t.equal(kept(place).length, 1)
})

test('drafts of a day and files of 30 days go when a backup is finished, and nothing else', async (t) => {
  const place = placeIn(scratchFolder())
  mkdirSync(place.folder)
  const old = (name: string, days: number): string => {
    const path = join(place.folder, name)
    writeFileSync(path, '')
    const then = Date.now() / 1000 - days * 24 * 3600
    utimesSync(path, then, then)
    return name
  }
  const [a, b] = ['a'.repeat(32), 'b'.repeat(32)]
  const draft = '0123456789ab'
  const stays = [old(a, 29.9), old(`${a}.${draft}`, 0.9), old('README', 99), old(`${a}.txt`, 99), old('c'.repeat(31), 99)]
  old(b, 30.1)
  old(`${b}.${draft}`, 1.1)
  mkdirSync(join(place.folder, 'd'.repeat(32)))
  utimesSync(join(place.folder, 'd'.repeat(32)), 1, 1)
  const memory = new KeptMemory(place, undefined)
  await memory.discard()
  t.equal(kept(place).length, 8, 'not when it is discarded')
  await remember(place, [noise(10, 'aged')])
  t.same(kept(place), [...stays, 'd'.repeat(32), place.path.slice(-32)].toSorted())
})

test('a file that cannot be read any more gives nothing from there on', async (t) => {
  const place = placeIn(scratchFolder())
  const records = variedRecords(200, 'unreadable')
  await remember(place, records)
  let fired = 0
  const failing = watchedFiles((file) => ({
    read: (into, offset, length, position) => {
      if (position < 2 * 2 ** 20 || position > 5 * 2 ** 20) return file.read(into, offset, Math.min(length, 70_000), position)
      fired += 1
      throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    },
  }))
  const recalled = await recallAll({ ...place, files: failing }, records.length)
  const first = recalled.indexOf(undefined)
  t.ok(fired > 0 && first > 10 && first < 100, `${fired} errors, the first one missing is ${first}`)
  t.ok(
    records.slice(0, first).every((record, at) => isSame(recalled[at], record)),
    'reads that give less than they could are no error',
  )
  t.ok(recalled.slice(first).every((record) => record === undefined))
  t.equal(failing.left(), 0)
  for (const operation of ['open', 'stat', 'footer'] as const) {
    const error = Object.assign(new Error('i/o error'), { code: 'EIO' })
    const files = watchedFiles((file) =>
      operation === 'stat'
        ? { stat: () => Promise.reject(error) }
        : {
            read: (into, offset, length, position) => (position > 1000 ? Promise.reject(error) : file.read(into, offset, length, position)),
          },
    )
    const used = operation === 'open' ? { ...files, open: () => Promise.reject(error) } : files
    t.same(await recallAll({ ...place, files: used }, 1), [undefined], operation)
    t.equal(files.left(), 0)
  }
  renameSync(place.path, `${place.path}.aside`)
  mkdirSync(place.path)
  t.same(await recallAll(place, 1), [undefined], 'a folder is no file')
})

test('while a long stream is recalled, no more than two pieces of it are read before they are wanted', async (t) => {
  const place = placeIn(scratchFolder())
  const records = Array.from({ length: 600 }, (_, at) => noise(27_000, `long ${at}`))
  await remember(place, records)
  const { files, bytesRead } = countedFiles()
  const memory = await keptMemory(place, openRecords({ ...place, files }), parentId)
  t.ok(bytesRead() < 10_000, `${bytesRead()} bytes before the first one is wanted`)
  for (const segment of records.keys()) {
    if (!isSame(await memory!.recall(segment), records[segment])) t.fail(`record ${segment}`)
    const wanted = (segment + 1) * 27_016
    if (bytesRead() > wanted + 2.2 * 2 ** 20) t.fail(`${bytesRead()} bytes are read, ${wanted} wanted`)
  }
  t.ok(bytesRead() < statSync(place.path).size + 2000, 'nothing is read twice')
  await memory!.discard()
})

test('of an index that is too long nothing is read', async (t) => {
  const place = placeIn(scratchFolder())
  await remember(place, [noise(100, 'record')])
  const start = readFileSync(place.path).subarray(0, headerBytes)
  const footer = Buffer.alloc(8)
  footer.writeBigUInt64LE(BigInt(headerBytes))
  for (const [length, most] of [
    [4 * 2 ** 20, 5 * 2 ** 20],
    [5 * 2 ** 20, 100],
  ]) {
    writeFileSync(place.path, Buffer.concat([start, Buffer.alloc(length), footer]))
    const { files, bytesRead } = countedFiles()
    t.equal(await openRecords({ ...place, files }), undefined)
    t.ok(bytesRead() < most, `${bytesRead()} bytes are read`)
    t.equal(files.left(), 0)
  }
})

test('a file that is cut short while it is read gives nothing from there on', async (t) => {
  const place = placeIn(scratchFolder())
  const records = variedRecords(200, 'cut short')
  await remember(place, records)
  const memory = await keptMemory(place, openRecords(place), parentId)
  t.ok(isSame(await memory!.recall(0), records[0]))
  truncateSync(place.path, 3 * 2 ** 20)
  t.equal(await memory!.recall(199), undefined)
  t.equal(await memory!.recall(1), undefined)
  await memory!.discard()
})

function countedFiles(): { files: ReturnType<typeof watchedFiles>; bytesRead(): number } {
  let bytes = 0
  const files = watchedFiles((file) => ({
    read(into, offset, length, position) {
      bytes += length
      return file.read(into, offset, length, position)
    },
  }))
  return { files, bytesRead: () => bytes }
}
