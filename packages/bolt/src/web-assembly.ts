/** What is used here of WebAssembly: its types come with those of browsers, which Node's leave out. */
interface WebAssemblyNamespace {
  readonly Memory: new (options: { initial: number }) => LinearMemory
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}

export interface LinearMemory {
  /** Another one after each `grow`. */
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** A number that the code changes. */
export interface ExportedNumber {
  readonly value: number
}

/** Pages of a linear memory, in bytes. */
const memoryPageBytes = 64 << 10

const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace }).WebAssembly

/** Makes code run that imports its memory as `env.memory`. @param code base64 */
export function instantiate<Exports extends object>(code: string): { readonly memory: LinearMemory; readonly exports: Exports } {
  const memory = new Memory({ initial: 1 })
  const { exports } = new Instance(new Module(Buffer.from(code, 'base64')), { env: { memory } })
  return { memory, exports: exports as Exports }
}

/** Makes the memory reach up to `end`; when it has to grow, by `slackBytes` further. @throws RangeError when there is no room */
export function reserve(memory: LinearMemory, end: number, slackBytes = 0): void {
  if (end > memory.buffer.byteLength) memory.grow(Math.ceil((end + slackBytes - memory.buffer.byteLength) / memoryPageBytes))
}
