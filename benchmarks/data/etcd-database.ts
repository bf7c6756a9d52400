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
  const name = Buffer.alloc(deleted ? 18 : 17)
  name.writeUInt32BE(Math.floor(revision / 2 ** 32), 0)
  name.writeUInt32BE(revision >>> 0, 4)
  name[8] = 0x5f
  if (deleted) name[17] = 0x74
  const value = Buffer.allocUnsafe(deleted ? 2 + key.length : 2 + key.length + 40 + valueBytes)
  let at = 2 + value.write(key, 2, 'latin1')
  value[0] = 0x0a
  value[1] = key.length
  if (deleted) return item(name, value)
  for (const field of [0x10, 0x18]) at = putVarint(value, at, field, revision)
  at = putVarint(value, at, 0x20, 1)
  at = putVarint(value, at, 0x2a, valueBytes)
  const from = (revision * 7919) % (valuePool.length - valueBytes)
  return item(name, value.subarray(0, at + valuePool.copy(value, at, from, from + valueBytes)))
}

function putVarint(into: Buffer, start: number, field: number, value: number): number {
  let at = start
  into[at++] = field
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    into[at++] = rest < 128 ? rest : 128 | (rest % 128)
    if (rest < 128) return at
  }
}
