import { test } from 'tap'
import { earlySync } from '../src/early-sync.ts'

const mebibyte = 1024 * 1024

/** A handle that notes what is asked of it; a sync ends when it is told to. */
function slowHandle(faults: readonly Error[] = []) {
  const calls: string[] = []
  const ends: (() => void)[] = []
  const left = [...faults]
  const call = (name: string) => (): Promise<void> => {
    calls.push(name)
    const fault = left.shift()
    return new Promise((resolve, reject) => ends.push(fault === undefined ? resolve : () => reject(fault)))
  }
  return { handle: { datasync: call('datasync'), sync: call('sync') }, calls, ends }
}

test('the disk gets work while more is written, one sync at a time, and the rest in the end', async (t) => {
  const { handle, calls, ends } = slowHandle()
  const disk = earlySync(handle)
  disk.written(31 * mebibyte)
  t.same(calls, [])
  disk.written(mebibyte)
  disk.written(64 * mebibyte)
  t.same(calls, ['datasync'], 'not a second one beside it')
  ends.shift()!()
  await disk.settled()
  disk.written(mebibyte)
  t.same(calls, ['datasync', 'datasync'], 'what came meanwhile')
  ends.shift()!()
  await disk.settled()
  const finished = disk.finish()
  await new Promise(setImmediate)
  t.same(calls, ['datasync', 'datasync', 'sync'])
  ends.shift()!()
  await finished
})

test('when the last byte is written, the disk gets what there is', async (t) => {
  const { handle, calls } = slowHandle()
  const disk = earlySync(handle, 3 * mebibyte)
  disk.written(2 * mebibyte)
  t.same(calls, [])
  disk.written(mebibyte)
  t.same(calls, ['datasync'])
})

test('a sync that failed early fails the file, and nothing is synced after it', async (t) => {
  const { handle, calls, ends } = slowHandle([new Error('EIO')])
  const disk = earlySync(handle)
  disk.written(32 * mebibyte)
  ends.shift()!()
  await disk.settled()
  disk.written(64 * mebibyte)
  await t.rejects(disk.finish(), { message: 'EIO' })
  t.same(calls, ['datasync'])
})
