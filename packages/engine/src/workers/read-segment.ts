import { readSync } from 'node:fs'
import { KpipeError } from '../contracts/index.ts'
import { sentSystemError } from './system-error.ts'

/**
 * Fills `into` from a place in a file.
 * @throws KpipeError KPIPE_SOURCE_DIED, for the source to say what it means; with `ended` when the file has no more bytes
 */
export function readSegment(fd: number, into: Uint8Array, position: number): void {
  for (let filled = 0; filled < into.length;) {
    const read = readSome(fd, into, filled, position + filled)
    if (read === 0) throw new KpipeError('KPIPE_SOURCE_DIED', 'the file ends', { position: position + filled, ended: true })
    filled += read
  }
}

function readSome(fd: number, into: Uint8Array, offset: number, position: number): number {
  try {
    return readSync(fd, into, offset, into.length - offset, position)
  } catch (error) {
    throw sentSystemError('KPIPE_SOURCE_DIED', error, { position })
  }
}
