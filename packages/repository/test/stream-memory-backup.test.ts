import { readdirSync, readlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { faultyStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { BackupWriter, Repository } from '../src/index.ts'
import { isSame, variedRecords } from './kept-streams.ts'
import { codeOf, madeRepository, noise, reopened } from './made-repository.ts'
import { begin, codec, commit, feed, pageBytes, restore } from './paged-backup.ts'
import type { PagedBackup } from './paged-backup.ts'
import { scratchFolder } from './scratch-folder.ts'

const bytes = noise(100 * pageBytes, 'stream')

/** A backup that remembers these records, and its snapshot's id. */
async function backUpWith(repository: Repository, records: readonly Uint8Array[], options: PagedBackup = {}): Promise<string> {
  const writer = await begin(repository, options)
  await feed(repository, writer, bytes, options)
  for (const record of records) {
    writer.memory!.remember(record)
    await new Promise(setImmediate)
  }
  return (await commit(writer, bytes, options)).snapshot.id
}

/** Whether the backup recalls exactly these records, of so many segments. */
async function recalls(writer: BackupWriter, records: readonly Uint8Array[]): Promise<boolean> {
  for (const [segment, record] of records.entries()) if (!isSame(await writer.memory!.recall(segment), record)) return false
  return (await writer.memory!.recall(records.length)) === undefined
}

async function nextRecalls(repository: Repository, records: readonly Uint8Array[], options: PagedBackup = {}): Promise<boolean> {
  const writer = await begin(repository, options)
  const isExact = await recalls(writer, records)
  await writer.abort('only looked at')
  return isExact
}

const streamsIn = (stateFolder: string): string[] => readdirSync(join(stateFolder, 'streams'))

/** Files below a folder that this process has open; none where the system does not tell. */
function openBelow(folder: string): string[] {
  const targetOf = (fd: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // The one that was open for the list is gone.
    }
  }
  return process.platform === 'linux'
    ? readdirSync('/proc/self/fd')
        .map(targetOf)
        .filter((path) => path.startsWith(folder))
    : []
}

test('the next backup recalls exactly what the one before remembered, from whatever process', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  let repository = await reopened(store, { stateFolder })
  let before: Buffer[] = []
  for (let round = 0; round < 4; round++) {
    const records = variedRecords(60 + 5 * round, `round ${round}`)
    const writer = await begin(repository)
    t.ok(await recalls(writer, before), `round ${round}`)
    await feed(repository, writer, bytes)
    for (const record of records) {
      writer.memory!.remember(record)
      await new Promise(setImmediate)
    }
    await commit(writer, bytes)
    t.equal(await writer.memory!.recall(0), undefined, 'nothing after the commit')
    before = records
    if (round % 2 === 1) repository = await reopened(store, { stateFolder })
  }
  t.ok(await nextRecalls(repository, before))
  t.same(streamsIn(stateFolder).length, 1)
  t.same(openBelow(stateFolder), [])
})

test('every name, member and cut has a memory of its own', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  const repository = await reopened(store, { stateFolder })
  const streams = [{}, { name: 'other' }, { member: 'm2' }, { pageBytes: 128 }]
  for (const [at, options] of streams.entries()) await backUpWith(repository, variedRecords(2, `stream ${at}`), options)
  for (const [at, options] of streams.entries()) t.ok(await nextRecalls(repository, variedRecords(2, `stream ${at}`), options))
  t.equal(streamsIn(stateFolder).length, 4)
  t.ok(await nextRecalls(await reopened(store, { stateFolder: scratchFolder() }), []), 'another host remembers nothing')
})

test('after an abort the old memory is still there, and of the old snapshot', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  const repository = await reopened(store, { stateFolder })
  const records = variedRecords(60, 'kept')
  const id = await backUpWith(repository, records)
  const writer = await begin(repository)
  await feed(repository, writer, bytes)
  for (const record of variedRecords(80, 'aborted')) writer.memory!.remember(record)
  while (streamsIn(stateFolder).length === 1) await new Promise(setImmediate)
  await writer.abort('changed my mind')
  await writer.abort('twice')
  t.equal(streamsIn(stateFolder).length, 1, 'no draft is left')
  const next = await begin(repository)
  t.equal(next.parent?.id, id)
  t.ok(await recalls(next, records))
  await next.abort('only looked at')
  t.same(openBelow(stateFolder), [])
})

test('a snapshot of another host between the two makes what is remembered useless, and it is not taken', async (t) => {
  const { store } = await madeRepository()
  const [here, there] = [scratchFolder(), scratchFolder()]
  const records = variedRecords(3, 'here')
  await backUpWith(await reopened(store, { stateFolder: here }), records)
  const repository = await reopened(store, { stateFolder: here })
  const id = await backUpWith(await reopened(store, { stateFolder: there }), variedRecords(3, 'there'))
  const writer = await begin(repository)
  t.equal(writer.parent?.id, id, 'the parent is what begin found')
  t.ok(await recalls(writer, []))
  await writer.abort('only looked at')
  t.equal(streamsIn(here).length, 1)
})

test('a commit that fails has no memory, and its abort leaves no draft', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  const records = variedRecords(60, 'kept')
  await backUpWith(await reopened(store, { stateFolder }), records)
  for (const target of ['packs/', 'log/']) {
    let armed = false
    const full = new KpipeError('KPIPE_STORE_FULL', 'the store is full')
    const faulty = faultyStore(store, ({ operation, name }) =>
      armed && operation === 'create' && name.startsWith(target) ? { kind: 'fail', error: () => full } : undefined,
    )
    const repository = await reopened(faulty, { stateFolder })
    const writer = await begin(repository)
    await feed(repository, writer, noise(bytes.length, target))
    for (const record of variedRecords(80, 'lost')) writer.memory!.remember(record)
    armed = true
    t.equal(await codeOf(() => commit(writer, noise(bytes.length, target))), 'KPIPE_STORE_FULL')
    t.ok(faulty.fired.length > 0)
    armed = target === 'log/'
    await writer.abort('the store is full').catch(() => undefined)
    t.equal(streamsIn(stateFolder).length, 1, `no draft is left after ${target}`)
    t.same(openBelow(stateFolder), [])
    t.ok(await nextRecalls(await reopened(store, { stateFolder }), records))
  }
})

test('a backup that cannot begin leaves no file open', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  await backUpWith(await reopened(store, { stateFolder }), variedRecords(3, 'kept'))
  for (const operation of ['create', 'list'] as const) {
    let armed = false
    const error = (): Error => new KpipeError('KPIPE_STORE_FAILED', 'no')
    const faulty = faultyStore(store, (call) =>
      armed && call.operation === operation && /^(log|packs)/.test(call.name) ? { kind: 'fail', error } : undefined,
    )
    const repository = await reopened(faulty, { stateFolder })
    armed = true
    t.equal(await codeOf(() => begin(repository)), 'KPIPE_STORE_FAILED', operation)
    t.ok(faulty.fired.length > 0)
    t.same(openBelow(stateFolder), [])
  }
})

test('after a rotation of the keys nothing is recalled, and then again what is remembered', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  const repository = await reopened(store, { stateFolder })
  const stale = await reopened(store, { stateFolder })
  await backUpWith(repository, variedRecords(3, 'old keys'))
  await stale.refresh()
  await repository.keys.rotate()
  t.ok(await nextRecalls(stale, []), 'by who learns of the rotation as the backup begins')
  t.ok(await nextRecalls(repository, []))
  await backUpWith(repository, variedRecords(3, 'new keys'))
  t.ok(await nextRecalls(await reopened(store, { stateFolder }), variedRecords(3, 'new keys')))
  t.equal(streamsIn(stateFolder).length, 2)
})

test('a full disk under the state folder costs one warning, not the backup', async (t) => {
  const { store } = await madeRepository()
  const stateFolder = scratchFolder()
  const warnings: string[] = []
  const repository = await reopened(store, { stateFolder, warn: (message) => warnings.push(message) })
  await backUpWith(repository, variedRecords(60, 'kept'))
  warnings.length = 0
  const disk = await fullDisk(t)
  const later = await backUpWith(repository, variedRecords(100, 'no room'))
  disk.free()
  t.ok(disk.fired() > 0, 'the disk was full')
  t.match(warnings, [/^what was seen of the stream cannot be kept in .*\/streams\/[0-9a-f]{32}: ENOSPC; the next backup takes longer$/])
  const reader = await reopened(store)
  t.ok((await restore(reader, reader.find(later))).equals(bytes))
  t.equal(streamsIn(stateFolder).length, 1, 'no draft is left')
  t.ok(await nextRecalls(repository, []), 'what is there is not of that snapshot')
})

test('without a state folder there is no memory, nor of a stream that is not cut into pages', async (t) => {
  const { store, repository } = await madeRepository()
  const writer = await begin(repository)
  t.equal(writer.memory, undefined)
  await feed(repository, writer, bytes)
  await commit(writer, bytes)
  const stateFolder = scratchFolder()
  const other = await reopened(store, { stateFolder })
  const byContent = { lengths: Uint32Array.of(bytes.length) }
  const cut = await begin(other, byContent)
  t.equal(cut.memory, undefined)
  await feed(other, cut, bytes, byContent)
  await commit(cut, bytes, byContent)
  const without = await begin(other)
  t.ok(without.memory, 'one that nobody uses')
  await feed(other, without, bytes)
  await commit(without, bytes)
  t.same(readdirSync(stateFolder), [other.id], 'makes no file')
})

test('what is remembered is no part of the repository: no object of it is another one', async (t) => {
  const made = async (stateFolder: string | undefined): Promise<string[]> => {
    const { store } = await madeRepository()
    const repository = await reopened(store as Store, { stateFolder })
    const writer = await begin(repository)
    await feed(repository, writer, bytes)
    writer.memory?.remember(noise(30_000, 'record'))
    await commit(writer, bytes)
    return [...store.objects].map(([name, object]) => `${name.replaceAll(/[0-9a-f]{16,}/g, '')} ${object.length}`).toSorted()
  }
  t.same(await made(scratchFolder()), await made(undefined))
  t.equal(codec.stage, 'identity')
})

/** Until it is freed, writes of more than 1,000 bytes find no room, half of them after a part was written. */
async function fullDisk(t: { teardown(done: () => void): void }): Promise<{ free(): void; fired(): number }> {
  const handle = await open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const original = prototype.write
  let fired = 0
  const write = async function (this: FileHandle, given: Uint8Array, offset = 0): Promise<unknown> {
    if (given.length > 1000) {
      if (offset === 0) return original.call(this, given as never, 0 as never, 500 as never)
      fired += 1
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
    return original.call(this, given as never, offset as never)
  }
  const free = (): void => void (prototype.write = original)
  t.teardown(free)
  prototype.write = write as typeof original
  return { free, fired: () => fired }
}
