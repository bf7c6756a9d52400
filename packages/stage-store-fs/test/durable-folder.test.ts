import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { systemFiles } from '../src/file-system.ts'
import type { FileSystem } from '../src/file-system.ts'
import { directoryStore } from '../src/index.ts'

const text = (value: string): Uint8Array[] => [Buffer.from(value)]

/** The system's files; the next fsync of a folder that is named fails. */
function failingSyncs(): { files: FileSystem; failAt(path: string): void; fired(): number } {
  let [wanted, fired] = ['', 0]
  const files: FileSystem = {
    ...systemFiles,
    async open(path, flags, mode) {
      const file = await systemFiles.open(path, flags, mode)
      if (path !== wanted) return file
      return {
        writev: (parts) => file.writev(parts),
        read: (into, offset, length, position) => file.read(into, offset, length, position),
        stat: () => file.stat(),
        close: () => file.close(),
        async sync() {
          wanted = ''
          fired += 1
          throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
        },
      }
    },
  }
  return { files, failAt: (path) => (wanted = path), fired: () => fired }
}

function madeRoot(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-store-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'repository')
}

test('after a failed fsync of a folder the same name is not called durable until the folder has changed', async (t) => {
  const root = madeRoot(t)
  const { files, failAt, fired } = failingSyncs()
  const store = directoryStore(root, files)
  await store.create('log/0', text('zero'))
  failAt(join(root, 'log'))
  await t.rejects(store.create('log/1', text('one')), { code: 'KPIPE_STORE_FAILED' })
  t.equal(fired(), 1)
  await t.rejects(
    store.create('log/1', text('one')),
    { code: 'KPIPE_STORE_FAILED', cause: { message: /earlier fsync/ } },
    'the next fsync proves nothing',
  )
  t.equal(await store.create('log/2', text('two')), 'created', 'a new name writes the folder again')
  t.equal(await store.create('log/1', text('one')), 'created', 'with all its names')
  t.equal(await store.create('log/1', text('other')), 'exists')
})

test('a folder whose name could not be made durable is taken back and made anew', async (t) => {
  const root = madeRoot(t)
  const { files, failAt, fired } = failingSyncs()
  const store = directoryStore(root, files)
  await store.create('packs/00/a', text('a'))
  failAt(join(root, 'packs'))
  await t.rejects(store.create('packs/01/b', text('b')), { code: 'KPIPE_STORE_FAILED' })
  t.equal(fired(), 1)
  t.notOk(existsSync(join(root, 'packs/01')))
  t.equal(await store.create('packs/01/b', text('b')), 'created')
})

test('the names above the root are made durable until an object lies in it, and then no more', async (t) => {
  const root = madeRoot(t)
  const synced: string[] = []
  const files: FileSystem = {
    ...systemFiles,
    open(path, flags, mode) {
      synced.push(path)
      return systemFiles.open(path, flags, mode)
    },
  }
  const above = join(root, '..')
  const isSyncedBy = async (name: string): Promise<boolean> => {
    synced.length = 0
    await directoryStore(root, files).create(name, text(name))
    return synced.includes(above)
  }
  t.ok(await isSyncedBy('log/0'))
  t.ok(await isSyncedBy('log/1'), 'the first process may have died before it came to that')
  t.ok(await isSyncedBy('repository'))
  t.notOk(await isSyncedBy('log/2'))
})
