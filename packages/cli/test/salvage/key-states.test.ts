import { memoryPages, openBolt, writeBolt } from '@kpipe/bolt'
import type { NewItem } from '@kpipe/bolt'
import type { Snapshot } from '@kpipe/repository'
import { test } from 'tap'
import type { KnownRow } from '../../src/check/lost-keys.ts'
import { keyStates } from '../../src/salvage/key-states.ts'

type Row = readonly [main: number, key: string, deleted?: 'deleted']

/** A database with these rows of bucket `key`. */
async function database(rows: readonly Row[]): Promise<Uint8Array> {
  const items: NewItem[] = [{ path: [], key: Buffer.from('key'), value: undefined, sequence: 0n }]
  for (const [main, key, deleted] of rows) {
    const name = Buffer.alloc(deleted ? 18 : 17)
    name.writeBigUInt64BE(BigInt(main))
    name[8] = 0x5f
    if (deleted) name[17] = 0x74
    const value = Buffer.concat([Buffer.from([0x0a, key.length]), Buffer.from(key)])
    items.push({ path: [Buffer.from('key')], key: name, value, sequence: undefined })
  }
  const bytes = new Uint8Array(16 * 4096)
  const { bytes: length } = await writeBolt(items, 4096, async (position, piece) => bytes.set(piece, position))
  return bytes.subarray(0, length)
}

const lost = ([main, key, deleted]: Row): KnownRow => ({
  key,
  revision: String(main),
  deleted: deleted !== undefined,
  certain: true,
  snapshot: {} as Snapshot,
})

test('what became of a key is told by the newest row that is lost and the newest that is left', async (t) => {
  const left: Row[] = [
    [3, 'older'],
    [4, 'back'],
    [5, 'deleted before', 'deleted'],
    [6, 'gone', 'deleted'],
    [20, 'right'],
    [21, 'right twice'],
    [22, 'deleted since', 'deleted'],
  ]
  const rows: Row[] = [
    [7, 'missing'],
    [8, 'older'],
    [9, 'back', 'deleted'],
    [10, 'deleted before'],
    [11, 'gone', 'deleted'],
    [12, 'right'],
    [13, 'right twice'],
    [14, 'right twice', 'deleted'],
    [15, 'deleted since'],
    [16, 'never again', 'deleted'],
    [17, 'older'],
  ]
  const bolt = await openBolt(memoryPages(await database(left)))
  const found = await keyStates(rows.map(lost), bolt)
  t.same(Object.fromEntries(found.map(({ key, state, left: revision }) => [key, [state, revision]])), {
    back: ['back', '4'],
    'deleted before': ['missing', undefined],
    'deleted since': ['history', undefined],
    gone: ['history', undefined],
    missing: ['missing', undefined],
    'never again': ['history', undefined],
    older: ['older', '3'],
    right: ['history', '20'],
    'right twice': ['history', '21'],
  })
  t.same(
    found.find(({ key }) => key === 'older')?.lost.map(({ revision }) => revision),
    ['8', '17'],
  )
})
