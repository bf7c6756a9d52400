import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { writeBolt, type NewItem } from '@kpipe/bolt'

export interface DatabaseShape {
  /** About how long the file is to be. */
  readonly bytes: number
  /** Of each value; objects of Kubernetes have some 2,000. */
  readonly valueBytes: number
  /** How many rows there are of each user key, one behind the other. */
  readonly rowsPerKey: number
}

export interface MadeDatabase {
  readonly bytes: number
  readonly pages: number
  readonly rows: number
}

/** Every so many rows one has a value that needs pages of overflow, and one is a deletion. */
const longEvery = 1000
const longBytes = 300_000
const deletedEvery = 97
const valuePool = randomBytes(4 << 20)

/** Writes a database of etcd as large as it is to be, with kpipe's own writer: full pages, values that no two rows share. Overwrites `file`. */
export async function makeDatabase(file: string, shape: DatabaseShape): Promise<MadeDatabase> {
  const handle = await open(file, 'w', 0o600)
  let [written, rows] = [0, 0]

  function* items(): Generator<NewItem> {
    for (const name of ['alarm', 'auth', 'authRoles', 'authUsers', 'cluster', 'key']) yield bucket(name)
    for (; written < shape.bytes; rows++) {
      const key = `/registry/pods/namespace-${Math.floor(rows / shape.rowsPerKey) % 50}/${String(Math.floor(rows / shape.rowsPerKey)).padStart(10, '0')}`
      yield row(rows + 2, key, rows % longEvery === longEvery - 1 ? longBytes : shape.valueBytes, rows % deletedEvery === 0)
    }
    for (const name of ['lease', 'members', 'members_removed', 'meta']) yield bucket(name)
    yield item('consistent_index', u64(rows + 10))
    yield item('storageVersion', Buffer.from('3.6.0'))
    yield item('term', u64(2))
  }

  try {
    const { bytes, pages } = await writeBolt(items(), 4096, async (position, piece) => {
      await handle.write(piece, 0, piece.length, position)
      written = Math.max(written, position + piece.length)
    })
    return { bytes, pages, rows }
  } finally {
    await handle.close()
  }
}

const bucket = (name: string): NewItem => ({ path: { length: 0 }, key: Buffer.from(name), value: undefined, sequence: 0n })
const item = (name: string | Buffer, value: Buffer): NewItem => ({
  path: { length: 1 },
  key: Buffer.from(name),
  value,
  sequence: undefined,
})

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** A row of bucket `key`: revision, and KeyValue with key, revisions, version and value. */
function row(revision: number, key: string, valueBytes: number, deleted: boolean): NewItem {
  const name = Buffer.from([...u64(revision), 0x5f, ...u64(0), ...(deleted ? [0x74] : [])])
  if (deleted) return item(name, Buffer.concat([Buffer.from([0x0a, key.length]), Buffer.from(key)]))
  const fields = [0x10, ...varint(revision), 0x18, ...varint(revision), 0x20, 1, 0x2a, ...varint(valueBytes)]
  const value = Buffer.allocUnsafe(2 + key.length + fields.length + valueBytes)
  value[0] = 0x0a
  value[1] = key.length
  value.write(key, 2, 'latin1')
  value.set(fields, 2 + key.length)
  const from = (revision * 7919) % (valuePool.length - valueBytes)
  valuePool.copy(value, 2 + key.length + fields.length, from, from + valueBytes)
  return item(name, value)
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [128 | (value % 128), ...varint(Math.floor(value / 128))]
}
