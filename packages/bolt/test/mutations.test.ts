import { test } from 'tap'
import { fuzzReaders } from '../torture/fuzz-readers.ts'
import { buildDatabase, row } from './database.ts'
import { readDatabase } from './fixtures.ts'

test('mutated databases give a status or a typed error, the same in both ways of reading, and what can be read can be written', async (t) => {
  const rows = Array.from({ length: 300 }, (_, i) =>
    row(i + 2, 0, `key-${i % 50}`, i % 7 === 0 ? undefined : new Uint8Array(i % 40 === 0 ? 5000 : 20)),
  )
  const built = buildDatabase(
    {
      items: [
        ['key', { items: rows }],
        ['meta', { items: [['consistent_index', new Uint8Array(8)]] }],
      ],
    },
    { pageBytes: 1024, spread: 1 },
  )
  const names = ['snap-3.4.23.db', 'snap-3.6.16.db', 'bolt-nested-4k.db.gz', 'bolt-nested-16k.db.gz']
  const outcomes = await fuzzReaders({ seed: 20_240_607, rounds: 1000, originals: [built.bytes, ...names.map(readDatabase)] })
  for (const code of ['ok', 'page', 'order', 'range', 'truncated', 'bucket', 'freelist', 'shared', 'not-bolt', 'schema'])
    t.ok(outcomes.get(code)! > 0, code)
})
