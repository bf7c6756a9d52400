import { KpipeError, type Store } from '../contracts/index.ts'

/** A store in memory, with its objects open to tests. */
export interface MemoryStore extends Store {
  /** What is stored, by name: to be copied, altered and removed at will. */
  readonly objects: Map<string, Uint8Array>
}

export function memoryStore(objects: Iterable<readonly [string, Uint8Array]> = []): MemoryStore {
  const held = new Map<string, Uint8Array>(objects)
  return {
    location: 'memory',
    objects: held,
    async create(name, parts) {
      if (!isName(name)) throw new KpipeError('KPIPE_STORE_FAILED', `create: "${name}" is not a name of an object`, { object: name })
      const bytes = concat(parts)
      const other = held.get(name)
      if (other !== undefined) return Buffer.compare(other, bytes) === 0 ? 'created' : 'exists'
      held.set(name, bytes)
      return 'created'
    },
    async read(name, range) {
      const bytes = held.get(name)
      return range === undefined ? bytes?.slice() : bytes?.slice(range.offset, range.offset + range.length)
    },
    async *list(prefix, after) {
      const names = [...held.keys()].filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
      for (const name of names.toSorted()) {
        const bytes = held.get(name)
        if (bytes !== undefined) yield { name, bytes: bytes.length }
      }
    },
    async remove(name) {
      held.delete(name)
    },
  }
}

function isName(name: string): boolean {
  return /^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(name) && name.length <= 120
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}
