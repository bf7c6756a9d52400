import { test } from 'tap'
import { allSettled, noteOpened } from '../../src/where/opened.ts'

test('a command waits for what is written beside it, but not for a store that hangs', async (t) => {
  let [written, release] = [false, (): void => undefined]
  const writing = new Promise<void>((resolve) => (release = resolve)).then(() => void (written = true))
  noteOpened({ settled: () => writing })
  setImmediate(release)
  await allSettled()
  t.ok(written)
  noteOpened({ settled: () => new Promise(() => undefined) })
  t.equal(await allSettled(10), undefined)
})
