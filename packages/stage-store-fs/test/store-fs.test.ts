import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'tap'
import type { Store } from '@kpipe/engine/contracts'
import stage, { directoryStore } from '../src/index.ts'
import { storeFault } from '../src/store-fault.ts'

const text = (value: string): Uint8Array[] => [Buffer.from(value)]

test('an object is created once; equal bytes count as created, others as existing', async (t) => {
  const { store, root } = madeStore()
  t.equal(await store.create('log/1', [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')]), 'created')
  t.equal(await store.create('log/1', text('abc')), 'created')
  for (const other of ['abd', 'ab', 'abcd', '']) t.equal(await store.create('log/1', text(other)), 'exists')
  t.equal(readFileSync(join(root, 'log/1'), 'utf8'), 'abc')
  t.same(readdirSync(join(root, 'tmp')), [], 'no draft stays')
})

test('of eight processes that create one name at once exactly one wins, each time', async (t) => {
  const { root } = madeStore()
  const rounds = 25
  const results = await Promise.all(Array.from({ length: 8 }, (_, index) => racer(root, index, rounds)))
  for (let round = 0; round < rounds; round++) {
    const winners = results.flatMap((result, index) => (result[round] === 'created' ? [index] : []))
    t.equal(winners.length, 1, `round ${round}`)
    t.equal(readFileSync(join(root, `log/${round}`), 'utf8'), `process ${winners[0]} round ${round}`)
  }
  t.same(readdirSync(join(root, 'tmp')), [])
})

test('objects are read whole, in ranges, and missing ones as undefined', async (t) => {
  const { store } = madeStore()
  t.equal(await store.read('packs/00/aa'), undefined, 'not even the folder is there')
  await store.create('packs/00/aa', text('0123456789'))
  const read = async (offset: number, length: number): Promise<string> =>
    Buffer.from((await store.read('packs/00/aa', { offset, length }))!).toString()
  t.equal(Buffer.from((await store.read('packs/00/aa'))!).toString(), '0123456789')
  t.same([await read(2, 3), await read(8, 5), await read(10, 5), await read(50, 5), await read(0, 0)], ['234', '89', '', '', ''])
  t.equal(await store.read('packs/00/ab'), undefined)
  t.equal(await store.read('packs/00/aa/deeper'), undefined)
})

test('objects of many pieces and megabytes are written whole', async (t) => {
  const { store } = madeStore()
  const parts = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(index % 1500, index))
  t.equal(await store.create('packs/01/ff', parts), 'created')
  t.ok(Buffer.concat(parts).equals((await store.read('packs/01/ff'))!))
  t.equal(await store.create('packs/01/ff', [Buffer.concat(parts)]), 'created', 'the same bytes in other pieces')
})

test('a list is in byte order of whole names, with sizes, after a name, and without what is being written', async (t) => {
  const { store, root } = madeStore()
  const names = ['log/2', 'packs/00/b', 'packs/0/z', 'log/10', 'packs-x', 'repository', 'packs/00/a', 'log-a/1', 'keys/1/1']
  for (const name of names) await store.create(name, text(name))
  writeFileSync(join(root, 'tmp', 'draft'), 'x')
  const ordered = names.toSorted((one, other) => (one < other ? -1 : 1))
  t.same(await listed(store, ''), ordered)
  for (const prefix of ['log/', 'log', 'packs/', 'packs/0', 'packs/00/', 'r', 'x', 'log/1']) {
    t.same(
      await listed(store, prefix),
      ordered.filter((name) => name.startsWith(prefix)),
      prefix,
    )
    for (const after of names) {
      t.same(
        await listed(store, prefix, after),
        ordered.filter((name) => name.startsWith(prefix) && name > after),
        `${prefix} after ${after}`,
      )
    }
  }
  for await (const { name, bytes } of store.list('')) t.equal(bytes, name.length)
})

test('a store that is not there lists nothing and is not made by reading', async (t) => {
  const { store, root } = madeStore()
  t.same(await listed(store, ''), [])
  t.equal(await store.read('repository'), undefined)
  await store.remove('repository')
  t.notOk(existsSync(root))
})

test('files have mode 0600 and folders 0700, made by the first create', async (t) => {
  const { store, root } = madeStore()
  await store.create('packs/07/aa', text('x'))
  t.equal(statSync(join(root, 'packs/07/aa')).mode & 0o777, 0o600)
  t.equal(statSync(join(root, 'packs/07/aa')).nlink, 1)
  for (const folder of ['', 'packs', 'packs/07', 'tmp', '..']) t.equal(statSync(join(root, folder)).mode & 0o777, 0o700, folder)
})

test('removing what is not there is no fault, and a removed folder is made again', async (t) => {
  const { store, root } = madeStore()
  await store.create('log/1', text('x'))
  await store.remove('log/1')
  await store.remove('log/1')
  t.equal(await store.read('log/1'), undefined)
  rmSync(root, { recursive: true })
  t.equal(await store.create('log/1', text('y')), 'created')
})

test('names that are not of objects are refused', async (t) => {
  const { store, root } = madeStore()
  for (const name of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', '.', 'A', 'ä', 'a b', 'a'.repeat(121), 'tmp/a', 'tmp', 'a\0']) {
    await t.rejects(store.create(name, text('x')), { code: 'KPIPE_STORE_FAILED' }, name)
    await t.rejects(store.read(name), { code: 'KPIPE_STORE_FAILED' }, name)
    await t.rejects(store.remove(name), { code: 'KPIPE_STORE_FAILED' }, name)
  }
  t.notOk(existsSync(root))
})

test('a file where a folder should be fails with operation, object and path', async (t) => {
  const { store, root } = madeStore()
  mkdirSync(root, { recursive: true })
  writeFileSync(join(root, 'log'), 'in the way')
  await t.rejects(store.create('log/1', text('x')), {
    code: 'KPIPE_STORE_FAILED',
    message: `create log/1 at ${join(root, 'log/1')}: ENOTDIR`,
  })
})

test('a store without permission is told as forbidden', async (t) => {
  const { root } = madeStore()
  mkdirSync(root, { recursive: true })
  chmodSync(root, 0o755)
  const code = await asOtherUser(root)
  t.equal(code, 'KPIPE_STORE_FORBIDDEN')
})

test('a file system without hard links is told as unsuitable', async (t) => {
  // A tmp/ on another device makes link() fail as it does where there are no links; Linux has a second one at /dev/shm.
  const { store, root } = madeStore()
  const elsewhere = mkdtempSync('/dev/shm/kpipe-store-')
  t.teardown(() => rmSync(elsewhere, { recursive: true }))
  mkdirSync(root, { recursive: true })
  symlinkSync(elsewhere, join(root, 'tmp'))
  await t.rejects(store.create('log/1', text('x')), { code: 'KPIPE_STORE_UNSUITABLE', message: /hard links \(link: EXDEV\)/ })
  t.same(readdirSync(elsewhere), [], 'no draft stays')
})

test('what the system says becomes a code that stays', async (t) => {
  const codes = {
    ENOSPC: 'FULL',
    EDQUOT: 'FULL',
    EACCES: 'FORBIDDEN',
    EPERM: 'FORBIDDEN',
    EROFS: 'FORBIDDEN',
    EIO: 'FAILED',
    EMFILE: 'FAILED',
  }
  for (const [errno, code] of Object.entries(codes)) {
    const fault = storeFault('create', 'log/1', '/r/log/1', Object.assign(new Error('x'), { code: errno }))
    t.equal(fault.code, `KPIPE_STORE_${code}`)
    t.equal(fault.message, `create log/1 at /r/log/1: ${errno}`)
  }
})

test('the stage opens a store at its path and says what it is', async (t) => {
  const { root } = madeStore()
  const store = await stage.open({ path: root })
  t.equal(store.location, root)
  t.equal(stage.kind, 'store')
  t.same(stage.settings.required, ['path'])
})

function madeStore(): { store: Store; root: string } {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-store-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const root = join(folder, 'parent', 'repository')
  return { store: directoryStore(root), root }
}

async function listed(store: Store, prefix: string, after?: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of store.list(prefix, after)) names.push(name)
  return names
}

/** What each create answered to one of several processes. */
async function racer(root: string, index: number, rounds: number): Promise<string[]> {
  const code = `
    import { directoryStore } from '@kpipe/stage-store-fs'
    const store = directoryStore(process.argv[1])
    const start = Number(process.argv[4])
    await new Promise((resolve) => setTimeout(resolve, start - Date.now()))
    const results = []
    for (let round = 0; round < Number(process.argv[3]); round++) {
      results.push(await store.create('log/' + round, [Buffer.from('process ' + process.argv[2] + ' round ' + round)]))
    }
    console.log(JSON.stringify(results))`
  return JSON.parse(await run(code, [root, String(index), String(rounds), String(Date.now() + 500)])) as string[]
}

/** The code of a create by a user who may not write there: another one when this is root. */
async function asOtherUser(root: string): Promise<string> {
  if (process.getuid?.() !== 0) chmodSync(root, 0o500)
  const code = `
    import { directoryStore } from '@kpipe/stage-store-fs'
    const store = directoryStore(process.argv[1])
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534) }
    try { console.log(await store.create('log/1', [Buffer.from('x')])) } catch (error) { console.log(error.code) }`
  for (let folder = root; folder !== tmpdir() && folder !== '/'; folder = join(folder, '..'))
    chmodSync(folder, folder === root && process.getuid?.() !== 0 ? 0o500 : 0o755)
  return (await run(code, [root])).trim()
}

async function run(code: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--conditions=kpipe-source', '--input-type=module', '--eval', code, '--', ...args], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pieces: Buffer[] = []
  for await (const piece of child.stdout) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}
