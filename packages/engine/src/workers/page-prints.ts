import { createHash } from 'node:crypto'
import { printCode } from './print-code.ts'

/** What `page-prints` of the folder wasm exports. */
interface PrintCode {
  printPages(keyAt: number, pagesAt: number, pages: number, pageBytes: number, printsAt: number, earlierAt: number, sameAt: number): void
}

/** Used here of WebAssembly, whose types come with those of browsers. */
interface LinearMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}
interface WebAssemblyNamespace {
  readonly Memory: new (options: { initial: number }) => LinearMemory
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace }).WebAssembly

export interface PagePrints {
  /** 32 bytes a page. */
  readonly prints: Uint8Array
  /** For each page 1 when it has the earlier print, else 0. */
  readonly same: Uint8Array
}

export const printBytes = 32
const passBytes = 48
/** What the code takes in one step. */
const stepBytes = 32
const memoryPageBytes = 64 << 10
/** Longer segments are rare, and the memory would never be given back. */
const mostBytes = 16 << 20

/**
 * Key of the prints, for pages of `pageBytes`; undefined when such pages have none. Everyone who knows it can make two pages with the same
 * print, as everyone who knows `tagKey` can with tags.
 */
export function printKeyFor(tagKey: Uint8Array, pageBytes: number): SharedArrayBuffer | undefined {
  if (pageBytes === 0 || pageBytes % stepBytes !== 0) return undefined
  const outputLength = pageBytes + passBytes
  const key = new SharedArrayBuffer(outputLength)
  new Uint8Array(key).set(createHash('shake256', { outputLength }).update('kpipe/1/page prints').update(tagKey).digest())
  return key
}

let loaded: { readonly memory: LinearMemory; readonly code: PrintCode } | undefined

/**
 * Prints of the whole pages of a segment: keyed, six times as fast as tags, and good for one thing: to tell that a page is the one that
 * stood in the same place before. Two other pages have the same print with a chance of 2^-128, for whoever does not know the key.
 * @param bytes may be shared memory
 * @param earlier prints of the segment that was at this place
 */
export function pagePrints(bytes: Uint8Array, key: SharedArrayBuffer, earlier: Uint8Array | undefined): PagePrints | undefined {
  if (bytes.length > mostBytes) return undefined
  const pageBytes = key.byteLength - passBytes
  const pages = Math.floor(bytes.length / pageBytes)
  const { memory, code } = (loaded ??= load())
  const pagesAt = align(key.byteLength)
  const printsAt = align(pagesAt + pages * pageBytes)
  const earlierAt = printsAt + pages * printBytes
  const sameAt = earlierAt + pages * printBytes
  const more = Math.ceil((sameAt + pages - memory.buffer.byteLength) / memoryPageBytes)
  if (more > 0) memory.grow(more)
  // Twice as fast as `set` where the bytes are shared between threads.
  Buffer.from(bytes.buffer, bytes.byteOffset, pages * pageBytes).copy(new Uint8Array(memory.buffer, pagesAt))
  new Uint8Array(memory.buffer).set(new Uint8Array(key))
  const before = new Uint8Array(memory.buffer, earlierAt, pages * printBytes)
  const known = earlier?.length === before.length
  if (known) before.set(earlier)
  code.printPages(0, pagesAt, pages, pageBytes, printsAt, earlierAt, sameAt)
  const same = new Uint8Array(pages)
  if (known) same.set(new Uint8Array(memory.buffer, sameAt, pages))
  return { prints: new Uint8Array(memory.buffer, printsAt, pages * printBytes).slice(), same }
}

function load(): NonNullable<typeof loaded> {
  const memory = new Memory({ initial: 1 })
  const { exports } = new Instance(new Module(Buffer.from(printCode, 'base64')), { env: { memory } })
  return { memory, code: exports as PrintCode }
}

function align(at: number): number {
  return Math.ceil(at / 64) * 64
}
