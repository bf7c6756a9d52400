import { maxChainBytes, maxChainLinks, maxChunks } from './bounds.ts'
import { partChunks } from './recipes/part.ts'
import { bin, count, isBytes, isCodecRecord, isCount, isListOf, isMap, isMapOf, isText } from './shape.ts'
import type { Shape } from './shape.ts'
import type { Manifest, ManifestStream, PartReference } from './manifest.ts'

const linkBytes = 14
/** What a Date can hold. */
const maxTime = 8.64e15

const isManifestMap = isMapOf({
  name: isText,
  member: isText,
  time: count(maxTime),
  tool: isText,
  writer: bin(8),
  parent: (value) => value === null || isBytes(value, 32),
  streams: isListOf(
    isMapOf({
      name: isText,
      bytes: count(),
      digest: bin(32),
      chunking: isText,
      page_bytes: count(0xffff_ffff),
      chunks: count(maxChunks),
      parts: isListOf(isMapOf({ tag: bin(16), count: count(partChunks), chain: bin() })),
    }),
  ),
  recipe_packs: bin(),
  facts: isMap,
  tags: isListOf(isText),
  stages: isListOf(isCodecRecord),
  statistics: isMap,
})

/** Whether it is a manifest whose numbers fit each other. */
export const isManifest: Shape = (value) => {
  if (!isManifestMap(value)) return false
  const { streams, recipe_packs: packs } = value as Manifest
  if (new Set(streams.map(({ name }) => name)).size < streams.length) return false
  return streams.length > 0 && packs.length % 16 === 0 && streams.every((stream) => fits(stream, packs.length / 16))
}

function fits({ bytes, page_bytes: pageBytes, chunks, parts }: ManifestStream, packs: number): boolean {
  const paged = pageBytes === 0 ? chunks <= bytes : Math.ceil(bytes / pageBytes) === chunks
  const full = parts.every((part, at) => part.count === Math.min(partChunks, chunks - at * partChunks))
  return paged && full && parts.length === Math.ceil(chunks / partChunks) && parts.every((part) => chainFits(part, packs))
}

function chainFits({ chain }: PartReference, packs: number): boolean {
  if (chain.length === 0 || chain.length % linkBytes !== 0 || chain.length > maxChainLinks * linkBytes) return false
  const view = Buffer.from(chain.buffer, chain.byteOffset, chain.length)
  let storedBytes = 0
  for (let at = 0; at < chain.length; at += linkBytes) {
    if (!isCount(view.readUInt16LE(at), packs - 1)) return false
    storedBytes += view.readUInt32LE(at + 6)
  }
  return storedBytes <= maxChainBytes
}
