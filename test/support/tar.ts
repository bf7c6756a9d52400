import { createHash } from 'node:crypto'

export interface TarEntry {
  readonly name: string
  readonly bytes: Buffer
}

/** A ustar archive, every header and its content padded to 512 bytes, two empty blocks at the end. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, bytes }) => [header(name, bytes.length), bytes, Buffer.alloc(-bytes.length & 511)])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

/** Files that compress about as binaries do, of 1 byte to 256 KiB, the same at every call. */
export function tarEntries(count: number): TarEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `files/${String(index).padStart(4, '0')}`,
    bytes: content(`file ${index}`, 1 + ((index * 7919 * 31) % 262_144)),
  }))
}

/** The archive an hour later: a file came at its beginning, one in the middle grew by some bytes, one is gone. */
export function shifted(entries: readonly TarEntry[]): TarEntry[] {
  const middle = entries.length >> 1
  const grown = { name: entries[middle].name, bytes: Buffer.concat([Buffer.from('more'), entries[middle].bytes]) }
  const rest = entries.with(middle, grown).toSpliced(middle + (middle >> 1), 1)
  return [{ name: 'files/a-new-one', bytes: content('a new one', 5_000) }, ...rest]
}

function content(name: string, bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 64) }, (_, block) => createHash('sha256').update(`${name} ${block}`).digest('hex'))
  return Buffer.from(blocks.join('')).subarray(0, bytes)
}

function header(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\0', 100)
  block.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124)
  block.write('ustar\u000000', 257)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
