import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { BoltError, memoryPages, openBolt, walk } from '@kpipe/bolt'
import type { NewItem } from '@kpipe/bolt'
import { test } from 'tap'
import { asksForUsers, compareHashKv, compareStatus, walkDatabase, withoutAuthentication } from '../../src/drill/database-steps.ts'
import type { Computed } from '../../src/drill/database-steps.ts'
import { lastWords } from '../../src/drill/run-etcd.ts'
import { NotDone, runStep } from '../../src/drill/step.ts'
import { writeSnapshot } from '../../src/scratch/write-snapshot.ts'
import { sampleSnapshot } from '../support/workplace.ts'

test('what was noted has to be what is found; what was not noted is no proof', async (t) => {
  const computed: Computed = {}
  await walkDatabase(sampleSnapshot, computed)
  const own = computed.hashKv!
  const { figures } = await compareStatus(sampleSnapshot, {}, computed)
  t.match(figures, { revision: 142, keys: 31, total_size: 73728 })
  for (const name of ['status_hash', 'revision', 'keys', 'total_size', 'items', 'compact_revision'])
    await t.rejects(compareStatus(sampleSnapshot, { [name]: 7 }, computed), { message: new RegExp(`^${name} is -?\\d+ in the restored`) })
  await t.rejects(compareHashKv({}, computed), { message: /no HashKV was noted/ })
  await t.rejects(compareHashKv({ hash_kv: null }, computed), { message: /no HashKV was noted/ })
  const noted = { hash: own.hash, hash_revision: own.revision, compact_revision: own.compactRevision }
  t.match(await compareHashKv({ hash_kv: noted }, computed), { figures: noted })
  await t.rejects(compareHashKv({ hash_kv: { ...noted, hash: 1 } }, computed), {
    message: /^hash_kv hash is \d+ in the restored file, and 1 was noted/,
  })
})

test('a file that is no whole database fails the walk', async (t) => {
  const bytes = readFileSync(sampleSnapshot)
  bytes.fill(0xff, 5 * 4096, 6 * 4096)
  bytes.fill(0xff, 9 * 4096, 18 * 4096)
  const file = join(t.testdir(), 'broken')
  writeFileSync(file, bytes)
  t.match(await runStep('walk', () => walkDatabase(file, {})), { step: { result: 'failed' }, proof: BoltError })
})

test('authentication is off in the copy, and nothing else is another', async (t) => {
  const folder = t.testdir()
  const [on, off] = [join(folder, 'on'), join(folder, 'off')]
  const signal = new AbortController().signal
  await writeSnapshot(on, withAuthentication(), 4096, signal)
  t.equal(await asksForUsers(on), true)
  await writeSnapshot(off, withoutAuthentication(await itemsOf(on)), 4096, signal)
  t.equal(await asksForUsers(off), false)
  const before = await contentOf(on)
  t.equal(before.get('auth/authEnabled'), '01')
  t.same(await contentOf(off), before.set('auth/authEnabled', '00'))
})

async function itemsOf(file: string): Promise<ReturnType<typeof walk>> {
  return walk(await openBolt(memoryPages(readFileSync(file))))
}

/** The sample, with the switch alone in bucket `auth`. */
async function* withAuthentication(): AsyncGenerator<NewItem, void> {
  for await (const item of await itemsOf(sampleSnapshot)) {
    if (item.path.length > 0 && Buffer.from(item.path[0]!).toString() === 'auth') continue
    yield item
    if (item.path.length === 0 && Buffer.from(item.key).toString() === 'auth')
      yield { path: { length: 1 }, key: Buffer.from('authEnabled'), value: Uint8Array.of(1), sequence: undefined }
  }
}

async function contentOf(file: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const { path, key, value } of await itemsOf(file))
    found.set([...path, key].map((name) => Buffer.from(name).toString('latin1')).join('/'), Buffer.from(value ?? []).toString('hex'))
  return found
}

test('only what proves bytes wrong fails a step; what says nothing of them is thrown', async (t) => {
  const step = (error?: Error) =>
    runStep('boot', async () => {
      if (error !== undefined) throw error
      return { note: 'done' }
    })
  t.match(await step(), { step: { step: 'boot', result: 'ok', note: 'done' }, proof: undefined })
  t.match(await step(new NotDone('why')), { step: { result: 'not done', note: 'why' } })
  t.match(await step(new KpipeError('KPIPE_DAMAGED', 'wrong')), { step: { result: 'failed', note: 'wrong' }, proof: { message: 'wrong' } })
  await t.rejects(step(new KpipeError('KPIPE_STORE_FAILED', 'no disk')), { code: 'KPIPE_STORE_FAILED' })
  await t.rejects(step(new Error('else')), { message: 'else' })
})

test('the last words of an etcd are those that say why', (t) => {
  const fatal = '{"level":"fatal","msg":"failed to open","error":"no such file"}'
  t.equal(lastWords(`{"level":"info","msg":"a"}\n${fatal}\n{"level":"info","msg":"b"}\n`), 'failed to open: no such file')
  t.equal(lastWords('{"level":"error","msg":"e"}\npanic: boo\ngoroutine 1\n'), 'panic: boo')
  t.equal(lastWords('{"level":"error","msg":"e"}\n{"level":"info","msg":"b"}\n'), 'e')
  t.equal(lastWords('something\n'), 'something')
  t.equal(lastWords(''), 'without a word')
  t.equal(lastWords('x'.repeat(1000)).length, 300)
  t.end()
})
