import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { test } from 'tap'
import { outputTarget } from '../src/output-target.ts'

const writing = `const { target } = await import(${JSON.stringify(import.meta.resolve('../src/target.ts'))});
  const output = await target.open({ path: '-' }, {});
  const piece = new Uint8Array(1 << 20);
  try {
    for (let i = 0; i < 8; i++) await output.write(i << 20, piece.fill(i));
    await output.commit();
  } catch (error) { console.error(error.code, error.message) }`
const args = ['--conditions=kpipe-source', '--input-type=module', '-e', writing]
const expected = Buffer.concat(Array.from({ length: 8 }, (_, i) => Buffer.alloc(1 << 20, i)))

test('a pipe gets all bytes in order', async (t) => {
  t.ok(execFileSync(process.execPath, args, { maxBuffer: 1 << 24 }).equals(expected))
})

test('a redirected file gets all bytes in order', async (t) => {
  const path = `${t.testdir({})}/snap`
  execFileSync(process.execPath, args, { stdio: ['ignore', openSync(path, 'w'), 'inherit'] })
  t.ok(readFileSync(path).equals(expected))
})

test('a reader that goes away is told', async (t) => {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text) => (said += text))
  child.stdout.once('data', () => child.stdout.destroy())
  await once(child, 'close')
  t.equal(said, 'KPIPE_TARGET_FAILED standard output was closed by its reader\n')
})

test('a write resolves only when its bytes have gone', async (t) => {
  const waiting: (() => void)[] = []
  const slow = new Writable({ highWaterMark: 1 << 20, write: (_bytes, _encoding, done) => void waiting.push(done) })
  let written = false
  const write = outputTarget(slow)
    .write(0, new Uint8Array(10))
    .then(() => (written = true))
  await new Promise(setImmediate)
  t.equal(written, false)
  waiting[0]()
  await write
  t.equal(written, true)
})

test('a gap is an error of the caller', async (t) => {
  const target = outputTarget(new Writable({ write: (_bytes, _encoding, done) => done() }))
  await target.write(0, new Uint8Array(10))
  t.throws(() => target.write(11, new Uint8Array(1)), { message: 'write at 11, but the stream is at 10' })
})
