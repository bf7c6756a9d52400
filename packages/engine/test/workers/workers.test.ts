import { test } from 'tap'
import type { Test } from 'tap'
import { startWorkers, type Workers } from '../../src/index.ts'
import type { StageReference } from '../../src/workers/messages.ts'
import { secrets } from '../stages/memory-sink.ts'

const stage = (file: string, settings: Record<string, unknown> = {}): StageReference => ({
  package: `./${file}`,
  url: import.meta.resolve(`../stages/${file}`),
  settings,
})
const xor = stage('xor.ts')
const stuck = (how: string) => stage('stuck.ts', { how })

/** Short, because what is tested here never ends; long enough for a stage that does to be loaded meanwhile. */
const taskTimeoutMs = 2000

function started(t: Test, threads: number): Workers {
  const workers = startWorkers({ threads, taskTimeoutMs })
  t.teardown(() => workers.close())
  return workers
}

function encode(workers: Workers, ...codecs: StageReference[]) {
  const bytes = Uint8Array.of(1, 2, 3)
  return workers.encode({ kind: 'encode', codecs, secrets, buffer: bytes.buffer, bytes: 3, ends: Uint32Array.of(3), pageBytes: 0 })
}

test('a stage that never finishes is named, and every other task ends with it', async (t) => {
  for (const how of ['loop', 'wait']) {
    const workers = started(t, 1)
    const failure = { code: 'KPIPE_STAGE_FAILED', message: /^stage \.\/stuck\.ts did not finish within 2 s/ }
    const hanging = t.rejects(encode(workers, xor, stuck(how)), failure, how)
    await t.rejects(encode(workers, xor), failure, 'a task behind it')
    await hanging
    await t.rejects(encode(workers, xor), failure, 'a task that comes later')
  }
})

test('a task may wait for a thread longer than it may take', async (t) => {
  // A thread needs longer than that to start, and less from a task's begin to its stage's.
  const workers = startWorkers({ threads: 1, taskTimeoutMs: 30 })
  t.teardown(() => workers.close())
  await t.rejects(encode(workers, stuck('loop')), { message: /stuck/ })
})

test('a stage that ends its thread is named', async (t) => {
  const workers = started(t, 1)
  await t.rejects(encode(workers, xor, stuck('exit')), {
    code: 'KPIPE_STAGE_FAILED',
    message: /^stage \.\/stuck\.ts ended its worker thread: .*3/,
  })
  await t.rejects(encode(workers, stuck('later')), {
    code: 'KPIPE_STAGE_FAILED',
    message: 'stage ./stuck.ts ended its worker thread: thrown when nobody waits',
  })
})

test('a stage says what is wrong with the code of an error alone, without importing anything', async (t) => {
  const workers = started(t, 1)
  await t.rejects(encode(workers, stuck('code')), { code: 'KPIPE_DAMAGED', message: 'not what encode made' })
  await t.resolves(encode(workers, xor, stuck('no')))
})

test('threads that were left out are started when there is more to do, and take tasks then', async (t) => {
  const workers = startWorkers({ threads: 3, beginWith: 1, taskTimeoutMs })
  t.teardown(() => workers.close())
  t.equal(workers.threads, 3)
  const threadOf = async () => String((await encode(workers, stage('thread-number.ts'))).bytes)
  t.equal(new Set(await Promise.all(Array.from({ length: 6 }, threadOf))).size, 1, 'one to begin with')
  workers.grow()
  workers.grow()
  t.equal(new Set(await Promise.all(Array.from({ length: 30 }, threadOf))).size, 3, 'all of them, and no more')
})

test('a stage that hangs ends the threads that came later, too', async (t) => {
  const workers = startWorkers({ threads: 2, beginWith: 1, taskTimeoutMs })
  t.teardown(() => workers.close())
  workers.grow()
  const failure = { code: 'KPIPE_STAGE_FAILED', message: /^stage \.\/stuck\.ts did not finish within 2 s/ }
  await Promise.all([1, 2].map(() => t.rejects(encode(workers, stuck('wait')), failure)))
  await t.rejects(encode(workers, xor), failure, 'a task that comes later')
})

test('threads may be ended while an answer is on its way', async (t) => {
  const faults: unknown[] = []
  const note = (error: unknown) => void faults.push(error)
  process.on('uncaughtException', note)
  t.teardown(() => process.off('uncaughtException', note))
  for (let delayMs = 0; delayMs < 40; delayMs++) {
    const workers = startWorkers({ threads: 1, taskTimeoutMs })
    await encode(workers, xor)
    workers.prepare([xor])
    // Long enough for the thread to answer, and this one does not hear it meanwhile.
    for (const until = performance.now() + delayMs / 10; performance.now() < until;);
    await workers.close()
  }
  await new Promise(setImmediate)
  t.same(faults, [])
})
