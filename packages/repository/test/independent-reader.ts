import { createDecipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto'

// A reader written from FORMAT.md alone: nothing of src/ is imported here, so that the page is proven to be enough.
// Codecs other than the identity of the tests are not undone.

type Value = null | boolean | number | string | Buffer | Value[] | { [key: string]: Value }
type Map_ = { [key: string]: Value }

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
const hkdf = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array | string, length = 32): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length))
const u32 = (value: number): Buffer => Buffer.from([value, value >>> 8, value >>> 16, value >>> 24])
const zero = Buffer.alloc(1)

function openUnit(workingKey: Buffer, header: Buffer, unit: Buffer): Buffer {
  const material = hkdf(workingKey, unit.subarray(0, 32), Buffer.concat([Buffer.from('kpipe/1/unit'), zero, header]), 48)
  if (!material.subarray(32).equals(unit.subarray(32, 48))) throw new Error('commitment')
  const decipher = createDecipheriv('aes-256-gcm', material.subarray(0, 32), Buffer.alloc(12), { authTagLength: 16 }).setAAD(header)
  decipher.setAuthTag(unit.subarray(-16))
  return Buffer.concat([decipher.update(unit.subarray(48, -16)), decipher.final()])
}

/** A msgpack value, as far as the format uses it. */
function unpack(bytes: Buffer): Value {
  let at = 0
  const take = (length: number): Buffer => bytes.subarray(at, (at += length))
  const uint = (length: number): number => Number(`0x${take(length).toString('hex')}`)
  const list = (count: number): Value[] => Array.from({ length: count }, value)
  const map = (count: number): Map_ => Object.fromEntries(Array.from({ length: count }, () => [value() as string, value()]))
  function value(): Value {
    const type = bytes[at++]
    if (type < 0x80) return type
    if (type < 0x90) return map(type & 15)
    if (type < 0xa0) return list(type & 15)
    if (type < 0xc0) return take(type & 31).toString()
    if (type >= 0xe0) return type - 256
    if (type === 0xc0) return null
    if (type === 0xc2 || type === 0xc3) return type === 0xc3
    if (type >= 0xc4 && type <= 0xc6) return take(uint(1 << (type - 0xc4)))
    if (type === 0xcb) return take(8).readDoubleBE()
    if (type >= 0xcc && type <= 0xcf) return uint(1 << (type - 0xcc))
    if (type >= 0xd0 && type <= 0xd2) return take(1 << (type - 0xd0)).readIntBE(0, 1 << (type - 0xd0))
    if (type === 0xd3) return Number(take(8).readBigInt64BE())
    if (type >= 0xd9 && type <= 0xdb) return take(uint(1 << (type - 0xd9))).toString()
    if (type === 0xdc || type === 0xdd) return list(uint(type === 0xdc ? 2 : 4))
    if (type === 0xde || type === 0xdf) return map(uint(type === 0xde ? 2 : 4))
    throw new Error(`msgpack type ${type}`)
  }
  return value()
}

function varints(column: Buffer): number[] {
  const numbers: number[] = []
  for (let at = 0; at < column.length; at++) {
    let [number, scale] = [0, 1]
    for (; column[at] >= 0x80; at++, scale *= 128) number += (column[at] - 128) * scale
    numbers.push(number + column[at] * scale)
  }
  return numbers
}

const u32s = (column: Buffer): number[] => Array.from({ length: column.length / 4 }, (_, index) => column.readUInt32LE(index * 4))
const pieces = (column: Buffer, length: number): Buffer[] =>
  Array.from({ length: column.length / length }, (_, index) => column.subarray(index * length, index * length + length))
const prefixed = (plain: Buffer): Map_ => unpack(plain.subarray(4, 4 + plain.readUInt32LE(0))) as Map_

interface Keys {
  readonly id: Buffer
  /** Root M of each epoch, and the SHA-256 of the slot object that holds it. */
  readonly epochs: Map<number, { readonly m: Buffer; readonly slot: Buffer }>
  readonly tagKey: Buffer
}

type Open = (id: string, offset: number, length: number, epoch: number) => Buffer

const working = ({ id, epochs }: Keys, epoch: number, label: string): Buffer => hkdf(epochs.get(epoch)!.m, id, `kpipe/1/${label}`)

function openKeys(objects: ReadonlyMap<string, Uint8Array>, secret: Uint8Array): Keys {
  const marker = Buffer.from(objects.get('repository')!)
  if (marker.toString('ascii', 0, 8) !== 'KPIPEREP' || !sha256(marker.subarray(0, -32)).equals(marker.subarray(-32)))
    throw new Error('marker')
  const id = marker.subarray(12, 28)
  const epochs: Keys['epochs'] = new Map()
  let tagKey: Buffer | undefined
  for (const [name, object] of objects) {
    const slot = Buffer.from(object)
    if (!name.startsWith('keys/') || slot[40] !== 1) continue
    const p = slot.readUInt16LE(42)
    const publicKey = slot.subarray(44 + p, 76 + p)
    const header = Buffer.concat([
      Buffer.from('kpipe/slot'),
      zero,
      id,
      slot.subarray(28, 36),
      slot.subarray(40, 41),
      u32(p),
      slot.subarray(44, 44 + p),
      publicKey,
    ])
    const box = slot.subarray(76 + p, 172 + p)
    const boxKey = hkdf(secret, id, 'kpipe/1/slot/key-file')
    if (!isOfKey(boxKey, header, box)) continue
    const privateKey = openUnit(boxKey, header, box)
    const ephemeral = slot.subarray(172 + p, 204 + p)
    const shared = diffieHellman({
      privateKey: createPrivateKey({
        key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]),
        format: 'der',
        type: 'pkcs8',
      }),
      publicKey: createPublicKey({
        key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), ephemeral]),
        format: 'der',
        type: 'spki',
      }),
    })
    const key = hkdf(shared, id, Buffer.concat([Buffer.from('kpipe/1/bundle'), zero, ephemeral, publicKey]))
    const bundle = openUnit(key, slot.subarray(0, 204 + p), slot.subarray(208 + p, 208 + p + slot.readUInt32LE(204 + p)))
    epochs.set(bundle.readUInt32LE(0), { m: bundle.subarray(8, 40), slot: sha256(slot) })
    tagKey = bundle.subarray(72)
  }
  if (tagKey === undefined) throw new Error('no slot of this key file')
  return { id, epochs, tagKey }
}

/** All snapshots by id, in log order; each with its attachments behind it, by id and name. */
export function readIndependently(objects: ReadonlyMap<string, Uint8Array>, secret: Uint8Array): Map<string, Buffer> {
  const keys = openKeys(objects, secret)
  const packs = new Map<string, Map_>()
  const snapshots = new Map<string, Buffer>()
  let previous: Buffer = Buffer.alloc(32)
  let [epoch, slots]: [number, Map_[]] = [1, []]
  for (let n = 0; ; n++) {
    const object = objects.get(`log/${String(n).padStart(20, '0')}`)
    if (object === undefined) break
    const entry = Buffer.from(object)
    if (!entry.subarray(40, 72).equals(previous)) throw new Error(`entry ${n} does not follow`)
    previous = sha256(entry)
    if (entry.readUInt32LE(20) !== epoch) continue
    const payload = prefixed(openUnit(working(keys, epoch, 'log'), entry.subarray(0, 72), entry.subarray(72)))
    if (payload['kind'] === 'GENESIS' || payload['kind'] === 'KEY') slots = payload['slots'] as Map_[]
    if (payload['kind'] === 'KEY') epoch = payload['epoch'] as number
    if (payload['kind'] !== 'SNAPSHOT') continue
    const idOf = (counter: number): string => (payload['writer'] as Buffer).toString('hex') + counter.toString(16).padStart(16, '0')
    for (const [packClass, counter, bytes, directoryBytes, digest] of payload['packs'] as [string, number, number, number, Buffer][]) {
      const id = idOf(counter)
      const pack = Buffer.from(objects.get(`packs/${id.slice(-2)}/${id}`)!)
      if (pack.length !== bytes || !sha256(pack).equals(digest)) throw new Error(`pack ${id}`)
      const packEpoch = pack.subarray(bytes - 12, bytes - 8)
      const directory = pack.subarray(bytes - 16 - directoryBytes, bytes - 16)
      packs.set(id, {
        ...prefixed(
          openUnit(working(keys, packEpoch.readUInt32LE(), 'directory'), Buffer.concat([pack.subarray(0, 48), packEpoch]), directory),
        ),
        packClass,
        pack,
      })
    }
    const open: Open = (id, ...place) => openRecipeFrame(keys, packs.get(id)!['pack'] as Buffer, ...place)
    const place = payload['manifest'] as Map_ | Buffer
    const manifest = Buffer.isBuffer(place)
      ? place
      : open(idOf(place['counter'] as number), place['offset'] as number, place['stored_bytes'] as number, place['epoch'] as number)
    const id = sha256(manifest).toString('hex')
    for (const [name, bytes] of restore(keys, packs, unpack(manifest) as Map_, open)) {
      snapshots.set(name === 'database' ? id : `${id} ${name}`, bytes)
    }
  }
  for (const [begun, { slot }] of keys.epochs)
    if (begun <= epoch && !slots.some((record) => record['epoch'] === begun && slot.equals(record['digest'] as Buffer)))
      throw new Error(`the log does not list the slot of epoch ${begun}`)
  return snapshots
}

/** Compares the commitment alone. */
function isOfKey(workingKey: Buffer, header: Buffer, unit: Buffer): boolean {
  const material = hkdf(workingKey, unit.subarray(0, 32), Buffer.concat([Buffer.from('kpipe/1/unit'), zero, header]), 48)
  return material.subarray(32).equals(unit.subarray(32, 48))
}

function openRecipeFrame(keys: Keys, pack: Buffer, offset: number, length: number, epoch: number): Buffer {
  const binding = Buffer.concat([Buffer.from('kpipe/frame'), zero, Buffer.from([1, 0, 0x4d]), u32(epoch), keys.id, Buffer.from([0, 0])])
  return openUnit(
    working(keys, epoch, 'recipe'),
    Buffer.concat([binding, u32(length - 64), u32(length - 64)]),
    pack.subarray(offset, offset + length),
  )
}

interface Row {
  tag: Buffer
  pack: number
  length: number
}

interface Part {
  readonly rows: Row[]
  readonly table: string[]
}

function readPart(links: Buffer[], tag: Buffer, ids: Buffer[], keys: Keys, open: Open): Part {
  const [link, ...rest] = links
  const plain = open(ids[link.readUInt16LE(0)].toString('hex'), link.readUInt32LE(2), link.readUInt32LE(6), link.readUInt32LE(10))
  if (!sha256(keys.tagKey, plain).subarray(0, 16).equals(tag)) throw new Error('tag of a part')
  const stored = unpack(plain) as Map_
  const base = stored['base'] === undefined ? { rows: [], table: [] } : readPart(rest, stored['base'] as Buffer, ids, keys, open)
  const tags = pieces(stored['tags'] as Buffer, 16)
  const lengths = stored['lengths'] === undefined ? [] : u32s(stored['lengths'] as Buffer)
  const steps = stored['positions'] === undefined ? tags.map(() => 0) : varints(stored['positions'] as Buffer)
  const runs = varints(stored['pack_runs'] as Buffer)
  const packOf = Array.from({ length: runs.length / 2 }, (_, run) => Array<number>(runs[run * 2 + 1]).fill(runs[run * 2])).flat()
  const rows = base.rows.slice(0, stored['count'] as number)
  let position = -1
  tags.forEach((rowTag, index) => {
    position += steps[index] + 1
    rows[position] = { tag: rowTag, pack: packOf[index], length: lengths[index] ?? 0 }
  })
  return { rows, table: [...base.table, ...pieces(stored['table'] as Buffer, 16).map((id) => id.toString('hex'))] }
}

function restore(keys: Keys, packs: ReadonlyMap<string, Map_>, manifest: Map_, open: Open): [string, Buffer][] {
  const streams = manifest['streams'] as Map_[]
  return streams.map((stream) => [stream['name'] as string, restoreStream(keys, packs, manifest, stream, open)])
}

function restoreStream(keys: Keys, packs: ReadonlyMap<string, Map_>, manifest: Map_, stream: Map_, open: Open): Buffer {
  const ids = pieces(manifest['recipe_packs'] as Buffer, 16)
  const chunks = (stream['parts'] as Map_[]).flatMap((part) => {
    const { rows, table } = readPart(pieces(part['chain'] as Buffer, 14), part['tag'] as Buffer, ids, keys, open)
    return rows.map((row) => ({ ...row, bytes: findChunk(keys, packs.get(table[row.pack])!, row.tag) }))
  })
  if (chunks.some(({ bytes, length }) => stream['page_bytes'] === 0 && bytes.length !== length)) throw new Error('length of a chunk')
  const restored = Buffer.concat(chunks.map(({ bytes }) => bytes))
  if (restored.length !== stream['bytes'] || !sha256(restored).equals(stream['digest'] as Buffer)) throw new Error('digest of the stream')
  return restored
}

const chunkTables = new WeakMap<Map_, Map<string, Buffer>>()

function findChunk(keys: Keys, directory: Map_, tag: Buffer): Buffer {
  let table = chunkTables.get(directory)
  if (table === undefined) chunkTables.set(directory, (table = tableOf(directory)))
  const chunk = table.get(tag.toString('hex', 0, 6))!
  if (!sha256(keys.tagKey, chunk).subarray(0, 16).equals(tag)) throw new Error('tag of a chunk')
  return chunk
}

/** Chunks of a pack by prefix; the tests have no two tags with one prefix. */
function tableOf(directory: Map_): Map<string, Buffer> {
  const table = new Map<string, Buffer>()
  const prefixes = pieces(directory['prefixes'] as Buffer, 6)
  const [offsets, counts, lengths, listedLengths] = ['offsets', 'chunk_counts', 'lengths', 'chunk_lengths'].map((name) =>
    u32s(directory[name] as Buffer),
  )
  let [chunk, length, listed] = [0, 0, 0]
  counts.forEach((count, frame) => {
    const kind = (directory['kinds'] as Map_[])[(directory['frame_kinds'] as Buffer)[frame]]
    const [plain, stored] = [lengths[length], lengths[length + (kind['codecs'] as Value[]).length]]
    length += (kind['codecs'] as Value[]).length + 1
    const bytes = (directory['pack'] as Buffer).subarray(offsets[frame], offsets[frame] + stored)
    if (
      !sha256(bytes)
        .subarray(0, 16)
        .equals((directory['digests'] as Buffer).subarray(frame * 16, frame * 16 + 16))
    )
      throw new Error('digest of a frame')
    let begin = 0
    for (let index = 0; index < count; index++) {
      const own =
        (directory['listed'] as Buffer)[frame] === 1 ? listedLengths[listed++] : Math.min(kind['page_bytes'] as number, plain - begin)
      table.set(prefixes[chunk++].toString('hex'), bytes.subarray(begin, (begin += own)))
    }
  })
  return table
}
