import type { CodecRecord } from '@kpipe/engine/contracts'
import { formatVersion, packClasses, u32 } from '../format.ts'
import type { PackClass } from '../format.ts'

const start = Buffer.from('kpipe/frame\0', 'ascii')

/**
 * What every frame is bound to, besides its lengths: `kpipe/frame\0` | format u16 | class u8 | epoch u32 | repository id 16 | count of codecs u16,
 * then for each `package@version` (length u16, UTF-8) and its settings as canonical JSON (RFC 8785; length u32).
 */
export function frameBinding(repositoryId: Uint8Array, packClass: PackClass, epoch: number, codecs: readonly CodecRecord[]): Buffer {
  const lists = codecs.flatMap(({ stage, version, settings }) => {
    const [name, json] = [Buffer.from(`${stage}@${version}`), Buffer.from(canonicalJson(settings))]
    return [u16(name.length), name, u32(json.length), json]
  })
  return Buffer.concat([
    start,
    u16(formatVersion),
    Buffer.of(packClasses[packClass]),
    u32(epoch),
    repositoryId,
    u16(codecs.length),
    ...lists,
  ])
}

/** RFC 8785: keys in order of their UTF-16 units, no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${sorted.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(',')}}`
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
