import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { constants, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { filesUnder } from './place.ts'

/** A secret in a form that somebody who looks for it would find. */
interface Needle {
  readonly secret: string
  readonly form: string
  readonly bytes: Buffer
}

/** What is looked for, by names that a failing test shows. */
export type Secrets = Readonly<Record<string, string | Uint8Array>>

export interface SecretSearch {
  /** `secret as form` for all that are found in the bytes, in clear or in what they decompress to. */
  inBytes(bytes: Uint8Array): string[]
  /** The same for the names and contents of all files below a folder but some, each with its path. One that did not change is read once. */
  inFiles(folder: string, except?: readonly string[]): string[]
}

export function secretSearch(secrets: Secrets): SecretSearch {
  const needles = Object.entries(secrets).flatMap(([secret, value]) => needlesOf(secret, Buffer.from(value as Uint8Array)))
  const inClear = (bytes: Buffer) => needles.filter((needle) => bytes.includes(needle.bytes))
  const inBytes = (bytes: Uint8Array): string[] => {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const found = inClear(view).map(({ secret, form }) => `${secret} as ${form}`)
    for (const { format, plain } of decompressed(view))
      found.push(...inClear(plain).map(({ secret, form }) => `${secret} as ${form} in ${format}`))
    return [...new Set(found)]
  }
  const searched = new Map<string, readonly string[]>()
  const inFile = (path: string): readonly string[] => {
    const { size, mtimeNs, ino } = statSync(path, { bigint: true })
    const key = `${path} ${size} ${mtimeNs} ${ino}`
    const found = searched.get(key) ?? inBytes(readFileSync(path))
    searched.set(key, found)
    return found
  }
  return {
    inBytes,
    inFiles: (folder, except = []) =>
      filesUnder(folder)
        .filter((name) => !except.includes(name))
        .flatMap((name) => {
          const named = inBytes(Buffer.from(name)).map((found) => `${found} in the name ${name}`)
          return [...named, ...inFile(join(folder, name)).map((found) => `${found} in ${name}`)]
        }),
  }
}

const leastBytes = 8

function needlesOf(secret: string, value: Buffer): Needle[] {
  if (value.length < leastBytes) throw new Error(`${secret} is so short that it stands in random bytes as well`)
  const needle = (form: string, text: Uint8Array | string) => ({ secret, form, bytes: Buffer.from(text as Uint8Array) })
  // Where a text begins within a longer one, base64 has three shapes; their edges depend on the neighbours.
  const shapes = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), value])
      .toString('base64')
      .replaceAll('=', '')
    return text.slice(before === 0 ? 0 : before + 1, -1)
  })
  return [
    needle('plain bytes', value),
    needle('bytes in reverse', Buffer.from(value.toReversed())),
    needle('hex', value.toString('hex')),
    needle('upper hex', value.toString('hex').toUpperCase()),
    needle('UTF-16', Buffer.from(value.toString('latin1'), 'utf16le')),
    needle('JSON of a buffer', [...value].join(',')),
    ...shapes.flatMap((shape) => [needle('base64', shape), needle('base64url', shape.replaceAll('+', '-').replaceAll('/', '_'))]),
  ]
}

const mostPlain = 64 * 2 ** 20
const formats = [
  {
    format: 'zstd',
    magics: [Buffer.from('28b52ffd', 'hex')],
    undo: (bytes: Buffer) => zstdDecompressSync(bytes, { maxOutputLength: mostPlain, finishFlush: constants.ZSTD_e_continue }),
  },
  {
    format: 'gzip',
    magics: [Buffer.from('1f8b08', 'hex')],
    // Not gunzip, which refuses what follows the end.
    undo: (bytes: Buffer) =>
      inflateRawSync(bytes.subarray(gzipHeaderBytes(bytes)), { maxOutputLength: mostPlain, finishFlush: constants.Z_SYNC_FLUSH }),
  },
  {
    format: 'zlib',
    magics: ['7801', '785e', '789c', '78da'].map((magic) => Buffer.from(magic, 'hex')),
    undo: (bytes: Buffer) => inflateSync(bytes, { maxOutputLength: mostPlain, finishFlush: constants.Z_SYNC_FLUSH }),
  },
]

/** RFC 1952, 2.3. */
function gzipHeaderBytes(bytes: Buffer): number {
  const flags = bytes[3]
  let at = 10
  if (flags & 4) at += 2 + bytes.readUInt16LE(at)
  for (const flag of [8, 16]) if (flags & flag) at = bytes.indexOf(0, at) + 1
  return flags & 2 ? at + 2 : at
}

/** Whatever begins to decompress at any place, as far as it goes. */
function* decompressed(bytes: Buffer): Generator<{ readonly format: string; readonly plain: Buffer }> {
  for (const { format, magics, undo } of formats) {
    for (const magic of magics) {
      for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
        try {
          yield { format, plain: undo(bytes.subarray(at)) }
        } catch {
          // Bytes that only look like the begin of it.
        }
      }
    }
  }
}
