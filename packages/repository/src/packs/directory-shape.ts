import { maxCodecs } from '../bounds.ts'
import { bin, count, isBytes, isCodecRecord, isListOf, isMapOf } from '../shape.ts'
import type { StoredDirectory } from './directory.ts'

const isDirectory = isMapOf({
  class: (value) => value === 'D' || value === 'M',
  kinds: isListOf(
    isMapOf({
      epoch: count(0xffff_ffff),
      codecs: (value) => isListOf(isCodecRecord)(value) && (value as readonly unknown[]).length <= maxCodecs,
      key: (value) => value === 'derived' || value === 'unit',
      page_bytes: count(0xffff_ffff),
    }),
  ),
  frames: count(0xffff_ffff),
  frame_kinds: bin(),
  offsets: bin(),
  chunk_counts: bin(),
  lengths: bin(),
  digests: bin(),
  prefixes: bin(),
  listed: bin(),
  chunk_lengths: bin(),
  full_tags: bin(),
})

/** A directory whose columns have the lengths that follow from each other. @throws RangeError */
export function demandDirectory(value: unknown): StoredDirectory {
  if (!isDirectory(value)) throw new RangeError('it lacks what a directory holds')
  const stored = value as StoredDirectory
  const { frames, kinds } = stored
  demandColumn(stored, 'frame_kinds', frames)
  demandColumn(stored, 'listed', frames)
  demandColumn(stored, 'offsets', frames * 4)
  demandColumn(stored, 'chunk_counts', frames * 4)
  demandColumn(stored, 'digests', frames * 16)
  if (stored.frame_kinds.some((kind) => kind >= kinds.length)) throw new RangeError('a frame is of no kind')
  const column = Buffer.from(stored.chunk_counts)
  const counts = Array.from({ length: frames }, (_, frame) => column.readUInt32LE(frame * 4))
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  demandColumn(stored, 'lengths', sum(Array.from(stored.frame_kinds, (kind) => kinds[kind].codecs.length + 1)) * 4)
  demandColumn(stored, 'prefixes', sum(counts) * 6)
  demandColumn(stored, 'chunk_lengths', sum(counts.filter((_, frame) => stored.listed[frame] !== 0)) * 4)
  if (stored.full_tags.length % 20 !== 0) throw new RangeError('its full tags end too early')
  return stored
}

function demandColumn(stored: StoredDirectory, name: keyof StoredDirectory, bytes: number): void {
  const column = stored[name]
  if (!isBytes(column, bytes)) throw new RangeError(`its column ${name} is not of ${bytes} bytes`)
}
