import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import type { BeginOptions } from '../backup.ts'
import { u32 } from '../format.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { deriveKey } from '../sealed-unit.ts'
import { version } from '../version.ts'
import { systemFiles } from './files.ts'
import type { Files } from './files.ts'

/** Where a host keeps what it saw of a stream, and under which key. */
export interface MemoryPlace {
  readonly folder: string
  /** In `folder`, its name 32 hex digits that tell nothing of the stream. */
  readonly path: string
  readonly workingKey: Uint8Array
  readonly epoch: number
  /** Of the code that makes the records, which no other may take. */
  readonly version: string
  readonly files: Files
  readonly warn: (message: string) => void
}

export interface MemoryContext {
  readonly stateFolder: string | undefined
  readonly ring: KeyRing
  readonly warn: (message: string) => void
}

type StreamOptions = Pick<BeginOptions, 'name' | 'member' | 'chunking' | 'pageBytes'>

/** Undefined where nothing is kept: without a folder, and of streams that are not cut into pages. */
export function memoryPlace({ stateFolder, ring, warn }: MemoryContext, stream: StreamOptions, epoch: number): MemoryPlace | undefined {
  if (stateFolder === undefined || stream.pageBytes === 0) return undefined
  const workingKey = ring.workingKey(epoch, 'stream-memory')
  const folder = join(stateFolder, 'streams')
  const path = join(folder, fileName(workingKey, ring.repositoryId, stream))
  return { folder, path, workingKey, epoch, version, files: systemFiles, warn }
}

function fileName(workingKey: Uint8Array, repositoryId: Uint8Array, { name, member, chunking }: StreamOptions): string {
  const mac = createHmac('sha256', deriveKey(workingKey, repositoryId, 'kpipe/1/stream memory/name')).update(repositoryId)
  for (const text of [name, member, chunking]) mac.update(u32(Buffer.byteLength(text))).update(text, 'utf8')
  return mac.digest('hex').slice(0, 32)
}
