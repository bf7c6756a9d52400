import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { systemFiles } from '../src/stream-memory/files.ts'
import type { Files, OpenFile } from '../src/stream-memory/files.ts'
import { KeptMemory } from '../src/stream-memory/kept-memory.ts'
import { maxRecordBytes } from '../src/stream-memory/record-index.ts'
import { isSame, kept, parentId, placeIn, recallAll, remember, variedRecords, watchedFiles } from './kept-streams.ts'
import { noise } from './made-repository.ts'
import { scratchFolder } from './scratch-folder.ts'

const laterId = 'cd'.repeat(32)

const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

/** Fails at one operation of the file system; `number` counts the calls of that one. */
function failingFiles(
  operation: keyof Files | 'write' | 'close',
  number: number,
  code: string,
): Files & { left(): number; fired(): number } {
  let [calls, fired] = [0, 0]
  const mayFail = (): void => {
    calls += 1
    if (calls !== number) return
    fired += 1
    throw failure(code)
  }
  const watched = watchedFiles((file) =>
    operation !== 'write'
      ? {}
      : {
          async write(bytes, offset) {
            mayFail()
            return file.write(bytes.subarray(0, offset + 400_000), offset)
          },
        },
  )
  const files: Files = {
    ...watched,
    async open(path, flags, mode) {
      const file = await watched.open(path, flags, mode)
      return operation !== 'close' ? file : { ...file, close: () => file.close().then(mayFail) }
    },
  }
  if (operation === 'write' || operation === 'close') return { ...files, left: watched.left, fired: () => fired }
  const failing = async (...given: never[]): Promise<never> => {
    mayFail()
    return (files[operation] as (...given: never[]) => Promise<never>)(...given)
  }
  return { ...files, [operation]: failing, left: watched.left, fired: () => fired }
}

test('whatever fails while it is written costs one warning and the memory, and leaves no draft', async (t) => {
  const records = variedRecords(100, 'fails')
  const cases: [keyof Files | 'write' | 'close', number, string][] = [
    ['mkdir', 1, 'EROFS'],
    ['open', 1, 'EACCES'],
    ['write', 1, 'ENOSPC'],
    ['write', 4, 'ENOSPC'],
    ['write', 11, 'EIO'],
    ['close', 1, 'EDQUOT'],
    ['rename', 1, 'EACCES'],
  ]
  for (const [operation, number, code] of cases) {
    const title = `${operation} ${number}`
    const folder = scratchFolder()
    await remember(placeIn(folder), [noise(100, 'before')])
    const warnings: string[] = []
    const files = failingFiles(operation, number, code)
    const place = placeIn(folder, { files, warn: (message) => warnings.push(message) })
    const memory = new KeptMemory(place, undefined)
    for (const record of records) {
      memory.remember(record)
      await new Promise(setImmediate)
    }
    await memory.finish(laterId)
    t.equal(files.fired(), 1, `${title} fails`)
    const sentence = `what was seen of the stream cannot be kept in ${place.path}: ${code}; the next backup takes longer`
    t.same(warnings, [sentence], title)
    t.same(kept(place), operation === 'rename' ? [] : [place.path.slice(-32)], `no draft after ${title}`)
    t.equal(files.left(), 0, `no file is left open after ${title}`)
    if (operation !== 'rename')
      t.ok(isSame((await recallAll(placeIn(folder), 1))[0], noise(100, 'before')), `what was there before ${title}`)
  }
})

test('writes that take less than they are given, and an old memory that nobody can look at, are no failure', async (t) => {
  const place = placeIn(scratchFolder())
  const records = variedRecords(100, 'short')
  for (const operation of ['readdir', 'stat', 'rm'] as const) {
    const warnings: string[] = []
    mkdirSync(place.folder, { recursive: true })
    const files = { ...failingFiles('write', 0, ''), [operation]: () => Promise.reject(failure('EACCES')) }
    const memory = new KeptMemory({ ...place, files, warn: (message) => warnings.push(message) }, undefined)
    for (const record of records) memory.remember(record)
    await memory.finish(parentId)
    t.same(warnings, [])
    const recalled = await recallAll(place, records.length)
    t.ok(records.every((record, at) => isSame(recalled[at], record)))
  }
})

test('a draft that cannot be removed is left, and goes when it is old', async (t) => {
  const warnings: string[] = []
  const files = { ...failingFiles('write', 2, 'ENOSPC'), rm: () => Promise.reject(failure('EIO')) }
  const place = placeIn(scratchFolder(), { files, warn: (message) => warnings.push(message) })
  const memory = new KeptMemory(place, undefined)
  for (const record of variedRecords(100, 'stuck')) memory.remember(record)
  await memory.finish(parentId)
  t.equal(files.fired(), 1)
  t.match(warnings, [/ENOSPC/])
  t.match(kept(place), [/\.[0-9a-f]{12}$/])
  t.equal(files.left(), 0)
})

test('a disk that does not keep up is given up on when 8 MiB wait for it', async (t) => {
  const warnings: string[] = []
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => (goOn = resolve))
  let writes = 0
  const files = watchedFiles((file: OpenFile) => ({
    async write(bytes, offset) {
      writes += 1
      await held
      return file.write(bytes, offset)
    },
  }))
  const place = placeIn(scratchFolder(), { files, warn: (message) => warnings.push(message) })
  await remember(placeIn(place.folder.slice(0, -'/streams'.length)), [noise(100, 'before')])
  const memory = new KeptMemory(place, undefined)
  const record = noise(27_000, 'slow')
  let given = 0
  while (warnings.length === 0 && given < 20 * 2 ** 20) {
    memory.remember(record)
    given += record.length
    await new Promise(setImmediate)
  }
  t.same(warnings, [
    `what was seen of the stream cannot be kept in ${place.path}: the disk is more than 8 MiB behind; the next backup takes longer`,
  ])
  t.ok(given > 8 * 2 ** 20 && given < 9.2 * 2 ** 20, `after ${given} bytes`)
  for (let at = 0; at < 1000; at++) memory.remember(record)
  t.equal(writes, 1, 'the first write is still under way')
  let isDone = false
  const finished = memory.finish(laterId).then(() => (isDone = true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.notOk(isDone, 'it waits for the write that is under way')
  goOn()
  await finished
  t.equal(writes, 1, 'and for no more of them')
  t.equal(warnings.length, 1)
  t.equal(files.left(), 0)
  t.same(kept(place), [place.path.slice(-32)])
  t.ok(isSame((await recallAll(place, 1))[0], noise(100, 'before')))
})

test('a record that is too long for a reader ends the memory, not the backup', async (t) => {
  const warnings: string[] = []
  const place = placeIn(scratchFolder(), { warn: (message) => warnings.push(message) })
  mkdirSync(place.folder)
  const memory = new KeptMemory(place, undefined)
  memory.remember(noise(100, 'short'))
  memory.remember(new Uint8Array(maxRecordBytes + 1))
  memory.remember(noise(100, 'short'))
  await memory.finish(parentId)
  t.match(warnings, [/a record has 4194305 bytes; the next backup takes longer/])
  t.same(kept(place), [])
  await remember(place, [new Uint8Array(maxRecordBytes)])
  t.equal((await recallAll(place, 1))[0]?.length, maxRecordBytes)
})

test('a file in the place of the folder is left as it is', async (t) => {
  const warnings: string[] = []
  const place = placeIn(scratchFolder(), { warn: (message) => warnings.push(message), files: systemFiles })
  writeFileSync(place.folder, 'mine')
  const memory = new KeptMemory(place, undefined)
  memory.remember(noise(100, 'record'))
  await memory.finish(parentId)
  t.match(warnings, [/: (EEXIST|ENOTDIR);/])
  t.same(await recallAll(place, 1), [undefined])
  t.equal(readFileSync(place.folder, 'utf8'), 'mine')
})
