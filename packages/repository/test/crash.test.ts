import { KpipeError } from '@kpipe/engine/contracts'
import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import type { FaultyStore, MemoryStore, StoreFault } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { Repository } from '../src/index.ts'
import { codeOf, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, begin, commit, feed, pageBytes, restore } from './paged-backup.ts'

// One history, played once for every store call in it, with a fault at that call.

const streams = ['a', 'b', 'c'].map((seed) => {
  const bytes = noise(600 * pageBytes, 'common')
  noise(90 * pageBytes, seed).copy(bytes, 200 * pageBytes)
  return bytes
})

/** Two names that interleave, one of them twice. Returns the ids of the snapshots that came to be. */
async function history(repository: Repository, taken: Map<string, Buffer>): Promise<void> {
  const first = await begin(repository, { name: 'one' })
  await backUp(repository, streams[1], { name: 'two' }).then(({ snapshot }) => taken.set(snapshot.id, streams[1]))
  await feed(repository, first, streams[0], { frameChunks: 64 })
  await commit(first, streams[0]).then(({ snapshot }) => taken.set(snapshot.id, streams[0]))
  await backUp(repository, streams[2], { name: 'one' }).then(({ snapshot }) => taken.set(snapshot.id, streams[2]))
}

async function callsOf(): Promise<number> {
  const { store } = await madeRepository()
  const counting = faultyStore(store, () => undefined)
  await history(await reopened(counting), new Map())
  return counting.calls.length
}

async function played(
  decide: (number: number) => StoreFault | undefined,
): Promise<{ held: MemoryStore; faulty: FaultyStore; taken: Map<string, Buffer>; code: string }> {
  const { store: held } = await madeRepository(memoryStore())
  const faulty = faultyStore(held, ({ number }) => decide(number))
  const taken = new Map<string, Buffer>()
  const code = await codeOf(async () => history(await reopened(faulty), taken))
  return { held, faulty, taken, code }
}

/** Everything that was committed is there and whole, and another backup succeeds. */
async function sound(held: MemoryStore, taken: ReadonlyMap<string, Buffer>): Promise<string | undefined> {
  const repository = await reopened(held)
  for (const [id, bytes] of taken) if (!(await restore(repository, repository.find(id))).equals(bytes)) return `${id} differs`
  for (const snapshot of repository.snapshots()) {
    const restored = await restore(repository, snapshot)
    if (!streams.some((stream) => stream.equals(restored))) return `${snapshot.id} is nothing that was backed up`
  }
  const { snapshot } = await backUp(repository, streams[2], { name: 'one' })
  return (await restore(repository, snapshot)).equals(streams[2]) ? undefined : 'the next backup differs'
}

test('a crash before any store call loses nothing that was committed', async (t) => {
  const calls = await callsOf()
  t.ok(calls > 20, `${calls} calls`)
  for (let crash = 1; crash <= calls; crash++) {
    const { held, faulty, taken, code } = await played((number) => (number >= crash ? { kind: 'fail', error: died } : undefined))
    const fault = await sound(held, taken)
    if (faulty.fired.length === 0 || code !== 'KPIPE_STORE_FORBIDDEN' || fault !== undefined)
      t.fail(`crash at call ${crash}: ${code} ${fault}`)
  }
})

test('one error at any store call fails the history or is overcome, and loses nothing', async (t) => {
  const calls = await callsOf()
  let overcome = 0
  for (const kind of ['fail', 'lose'] as const) {
    for (const error of [died, failed]) {
      for (let at = 1; at <= calls; at++) {
        const { held, faulty, taken, code } = await played((number) => (number === at ? { kind, error } : undefined))
        const fault = await sound(held, taken)
        if (code === 'none') overcome += 1
        if (faulty.fired.length !== 1 || !['none', error().code].includes(code) || fault !== undefined)
          t.fail(`${kind} at call ${at}: ${code} ${fault}`)
      }
    }
  }
  t.ok(overcome > 0 && overcome < calls * 4, `${overcome} of ${calls * 4} were overcome`)
})

test('a name that seems taken is either another number of the log or an error, and loses nothing', async (t) => {
  const calls = await callsOf()
  let fired = 0
  for (let at = 1; at <= calls; at++) {
    const { held, faulty, taken, code } = await played((number) => (number === at ? { kind: 'exists' } : undefined))
    const created = faulty.fired.some(({ operation }) => operation === 'create')
    fired += created ? 1 : 0
    const fault = await sound(held, taken)
    if (!['none', 'KPIPE_STORE_FAILED'].includes(code) || fault !== undefined) t.fail(`call ${at}: ${code} ${fault}`)
  }
  t.ok(fired > 8, `${fired} creates`)
})

function died(): KpipeError {
  return new KpipeError('KPIPE_STORE_FORBIDDEN', 'gone')
}

function failed(): KpipeError {
  return new KpipeError('KPIPE_STORE_FAILED', 'failed')
}
