/** Version of the format that this code writes, and its draft: until 1.0 a changed draft is another format. FORMAT.md is the text. */
export const formatVersion = 1
export const formatDraft = 3

/** First bytes of each kind of object, 8 ASCII characters; the last one ends a pack. */
export const magics = {
  marker: Buffer.from('KPIPEREP', 'ascii'),
  slot: Buffer.from('KPIPESLT', 'ascii'),
  entry: Buffer.from('KPIPELOG', 'ascii'),
  checkpoint: Buffer.from('KPIPECHK', 'ascii'),
  pack: Buffer.from('KPIPEPCK', 'ascii'),
  packEnd: Buffer.from('KPIPEEND', 'ascii'),
} as const

/** D: chunks of streams. M: recipes and large manifests. The value is the byte that stands for the class. */
export const packClasses = { D: 0x44, M: 0x4d } as const
export type PackClass = keyof typeof packClasses

/** Magic, format and draft: the first 12 bytes of every fixed header. */
export function headerStart(magic: Uint8Array): Buffer {
  const start = Buffer.alloc(12)
  start.set(magic)
  start.writeUInt16LE(formatVersion, 8)
  start.writeUInt16LE(formatDraft, 10)
  return start
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
