import { type KnownChunks, tagBytes } from '../contracts/index.ts'

/** The parent has no such chunk. */
export const notKnown = -0x80000000

const wordsPerTag = tagBytes / 4

/**
 * For each tag the index of the parent's chunk at the same position, or `notKnown` when that differs.
 * `first` is the index of the first chunk in its stream.
 */
export function knownByPosition(tags: Uint8Array, known: KnownChunks | undefined, first: number): Int32Array {
  const count = tags.length / tagBytes
  const found = new Int32Array(count).fill(notKnown)
  if (!known) return found
  const ours = new Uint32Array(tags.buffer, tags.byteOffset, count * wordsPerTag)
  const theirs = new Uint32Array(known.tags, 0, known.count * wordsPerTag)
  const comparable = Math.min(count, known.count - first)
  for (let index = 0; index < comparable; index++) {
    const a = index * wordsPerTag
    const b = (first + index) * wordsPerTag
    if (ours[a] === theirs[b] && ours[a + 1] === theirs[b + 1] && ours[a + 2] === theirs[b + 2] && ours[a + 3] === theirs[b + 3]) {
      found[index] = first + index
    }
  }
  return found
}

/**
 * Open addressing over the parent's tags: index of a chunk plus one, 0 for a free place. Made once per stream.
 */
export function tagPlaces(known: KnownChunks): Int32Array {
  const words = new Uint32Array(known.tags, 0, known.count * wordsPerTag)
  // At most half of the places are taken, so that every search ends at a free one.
  const places = new Int32Array(2 ** Math.ceil(Math.log2(known.count * 2 + 1)))
  const mask = places.length - 1
  for (let chunk = 0; chunk < known.count; chunk++) {
    if (isLost(words, chunk * wordsPerTag)) continue
    let place = words[chunk * wordsPerTag]! & mask
    while (places[place] !== 0) place = (place + 1) & mask
    places[place] = chunk + 1
  }
  return places
}

/** For each tag the index of a chunk of the parent with that tag, wherever it stands, or `notKnown`. */
export function knownByTag(tags: Uint8Array, known: KnownChunks | undefined, places: Int32Array | undefined): Int32Array {
  const count = tags.length / tagBytes
  const found = new Int32Array(count).fill(notKnown)
  if (!known || !places) return found
  const ours = new Uint32Array(tags.buffer, tags.byteOffset, count * wordsPerTag)
  const theirs = new Uint32Array(known.tags, 0, known.count * wordsPerTag)
  for (let index = 0; index < count; index++) found[index] = findTag(places, theirs, ours, index * wordsPerTag)
  return found
}

function isLost(words: Uint32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0
}

function findTag(places: Int32Array, words: Uint32Array, tags: Uint32Array, at: number): number {
  const mask = places.length - 1
  let place = tags[at]! & mask
  while (places[place] !== 0) {
    const chunk = places[place]! - 1
    const b = chunk * wordsPerTag
    if (words[b] === tags[at] && words[b + 1] === tags[at + 1] && words[b + 2] === tags[at + 2] && words[b + 3] === tags[at + 3])
      return chunk
    place = (place + 1) & mask
  }
  return notKnown
}
