import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { writeBolt, type NewItem } from '@kpipe/bolt'
import { field, varintField } from '../data/envelope.ts'
import { hex } from '../data/noise.ts'
import { configMap, event, pod, release, secret, type StoredObject, widget } from '../data/objects.ts'

/** In each value, every so many bytes, stands a mark and then digits that an hour may change. */
const stampEvery = 2_500
const mark = Buffer.from('stamp-')
const digits = 40
const pieceBytes = 16 << 20
const trailerBytes = 32

/**
 * Writes a database of etcd of about this length with kpipe's own writer, and the trailer of a snapshot: objects like those of a Kubernetes
 * cluster, in the order of their revisions. For sizes at which a real etcd would take hours.
 */
export async function writeStamped(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  let written = 0
  try {
    const made = await writeBolt(
      items(() => written < bytes),
      4096,
      async (position, piece) => {
        await file.write(piece, 0, piece.length, position)
        written = Math.max(written, position + piece.length)
      },
    )
    await file.truncate(made.bytes + trailerBytes)
  } finally {
    await file.close()
  }
  await passHour(path, 0, 0)
}

/**
 * Changes about this share of the pages in place, other ones and otherwise each hour, and makes the trailer anew.
 * @returns bytes of the pages that have changed
 */
export async function passHour(path: string, hour: number, share: number): Promise<number> {
  const file = await open(path, 'r+')
  try {
    const end = (await file.stat()).size - trailerBytes
    const hash = createHash('sha256')
    const piece = Buffer.alloc(pieceBytes)
    let changed = 0
    for (let at = 0; at < end; at += pieceBytes) {
      const { bytesRead } = await file.read(piece, 0, Math.min(pieceBytes, end - at), at)
      const now = piece.subarray(0, bytesRead)
      const pages = share === 0 ? 0 : stampAnew(now, at, hour, share)
      if (pages > 0) await file.write(now, 0, now.length, at)
      changed += pages * 4096
      hash.update(now)
    }
    await file.write(hash.digest(), 0, trailerBytes, end)
    return changed
  } finally {
    await file.close()
  }
}

/** How many pages it changed. Stamps that reach into the next piece stay as they are. */
function stampAnew(piece: Buffer, start: number, hour: number, share: number): number {
  let pages = 0
  let last = -1
  for (let at = piece.indexOf(mark); at >= 0; at = piece.indexOf(mark, at + 1)) {
    const page = Math.floor((start + at) / 4096)
    if (at + mark.length + digits > piece.length || !isChosen(page, hour, share)) continue
    piece.write(hex(`${start + at} ${hour}`, digits), at + mark.length, 'latin1')
    if (page !== last) pages++
    last = page
  }
  return pages
}

/** Spreads the choice evenly and differently for each hour. */
function isChosen(page: number, hour: number, share: number): boolean {
  const mixed = Math.imul(page ^ Math.imul(hour, 0x9e3779b1), 0x85ebca6b)
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 < share
}

function* items(more: () => boolean): Generator<NewItem> {
  const objects = pool()
  for (const name of ['alarm', 'auth', 'authRoles', 'authUsers', 'cluster', 'key']) yield bucket(name)
  let revision = 2
  for (; more(); revision++) {
    const [key, value] = objects[revision % objects.length]!
    const name = Buffer.alloc(17, '_')
    name.writeBigUInt64BE(BigInt(revision))
    name.writeBigUInt64BE(0n, 9)
    const numbers = [2, 3].map((number) => varintField(number, revision))
    const stamped = Buffer.from(value)
    for (let at = 64; at + mark.length + digits < stamped.length; at += stampEvery) {
      mark.copy(stamped, at)
      stamped.write(hex(`${revision} ${at}`, digits), at + mark.length, 'latin1')
    }
    yield item(name, Buffer.concat([field(1, `${key}-${revision}`), ...numbers, varintField(4, 1), field(5, stamped)]))
  }
  for (const name of ['lease', 'members', 'members_removed', 'meta']) yield bucket(name)
  yield item('consistent_index', u64(revision + 10))
  yield item('storageVersion', Buffer.from('3.6.0'))
  yield item('term', u64(2))
}

/** 16 MB of objects, as many of each kind as in a cluster; repeated, they lie farther apart than a frame is long. */
function pool(): StoredObject[] {
  const kinds: readonly [count: number, make: (n: number) => StoredObject][] = [
    [1_740, (n) => pod(n, 0, 2)],
    [320, (n) => secret(n, 0)],
    [96, (n) => release(n, 0)],
    [640, (n) => configMap(n, 0)],
    [640, (n) => widget(n, 0)],
    [760, (n) => event(n, 0)],
  ]
  const all = kinds.flatMap(([count, make]) => Array.from({ length: count }, (_, n) => make(n)))
  // 2,741 has no factor in common with the number of objects, 4,196.
  return all.map((_, index) => all[(index * 2_741) % all.length]!)
}

const bucket = (name: string): NewItem => ({ path: { length: 0 }, key: Buffer.from(name), value: undefined, sequence: 0n })
const item = (key: string | Buffer, value: Buffer): NewItem => ({ path: { length: 1 }, key: Buffer.from(key), value, sequence: undefined })

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
