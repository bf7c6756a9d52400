import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import type { MemoryStore } from '../../packages/engine/src/testing/index.ts'
import { formatKey } from '../../packages/repository/src/keys/key-file.ts'
import type { LogState } from '../../packages/repository/src/log/state.ts'
import type { Secret } from '../../packages/repository/src/index.ts'
import { testFolder } from '../../test/support/folder.ts'
import { runPython } from './python-reader.ts'
import { randomLog } from './random-log.ts'

const logs = 80
const entriesEach = 60
const key: Secret = { kind: 'key-file', key: Buffer.alloc(32, 7), file: 'test.key' }

test('of random logs the program in Python makes the same state as kpipe', async (t) => {
  const folder = testFolder(t)
  const states: LogState[] = []
  const folders: string[] = []
  for (let seed = 1; seed <= logs; seed++) {
    const { store, state } = await randomLog(seed, key, entriesEach)
    states.push(state)
    folders.push(await written(store, join(folder, `${seed}`)))
  }
  writeFileSync(join(folder, 'key'), formatKey(Buffer.alloc(32, 7)))
  const { code, stdout, stderr } = await runPython(join(import.meta.dirname, 'fold_states.py'), [join(folder, 'key'), ...folders])
  t.equal(code, 0, stderr)
  const read = stdout.trim().split('\n')
  t.equal(read.length, logs)
  for (const [index, state] of states.entries()) t.same(JSON.parse(read[index]!), shown(state), `log ${index + 1}`)

  const met = (what: (state: LogState) => number): number => states.reduce((sum, state) => sum + what(state), 0)
  for (const name of ['packs', 'snapshots', 'condemned', 'replaced', 'healed', 'damaged', 'writers', 'lost'] as const) {
    t.ok(met((state) => state[name].size) > logs / 10, `${name} were met`)
  }
  const drilled = states.flatMap((state) => [...state.snapshots.values()]).filter(({ drill }) => drill !== undefined)
  for (const proven of [true, false]) t.ok(drilled.filter(({ drill }) => drill!.proven === proven).length > logs / 10, `proven: ${proven}`)
})

async function written(store: MemoryStore, folder: string): Promise<string> {
  for await (const { name } of store.list('')) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    writeFileSync(join(folder, name), (await store.read(name))!)
  }
  return folder
}

function shown(state: LogState): unknown {
  const sorted = (numbers: Iterable<number>): number[] => [...numbers].toSorted((one, other) => one - other)
  const map = <Key, Value>(from: ReadonlyMap<Key, Value>, value: (of: Value) => unknown): unknown =>
    Object.fromEntries([...from].map(([name, of]) => [String(name), value(of)]))
  return {
    packs: map(state.packs, (pack) => [pack.id, pack.class, pack.bytes, pack.directoryBytes]),
    snapshots: map(state.snapshots, ({ entry, packs, drill }) => [entry, sorted(packs), drill ?? null]),
    condemned: map(state.condemned, (entry) => entry),
    replaced: map(state.replaced, sorted),
    healed: map(state.healed, sorted),
    damaged: map(state.damaged, ({ tags }) => [...tags].toSorted()),
    writers: map(state.writers, ({ entry, floor }) => [entry, floor]),
    lost: sorted(state.lost.keys()),
  }
}
