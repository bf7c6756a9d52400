import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'

/** What the memory of a stream asks of a file system: these functions of `node:fs/promises`, with these arguments. */
export interface Files {
  open(path: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile>
  mkdir(path: string, options: { readonly recursive: true; readonly mode: number }): Promise<unknown>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { readonly force: true }): Promise<void>
  readdir(path: string): Promise<readonly string[]>
  stat(path: string): Promise<{ readonly mtimeMs: number }>
}

export interface OpenFile {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  write(bytes: Uint8Array, offset: number): Promise<{ readonly bytesWritten: number }>
  stat(): Promise<{ readonly size: number }>
  close(): Promise<void>
}

export const systemFiles: Files = { open, mkdir, rename, rm, readdir, stat }

/** @throws RangeError when the file ends before */
export async function readExactly(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at)
    if (bytesRead === 0) throw new RangeError(`a file ends at ${position + at}`)
    at += bytesRead
  }
  return bytes
}

/** Appends all of it. */
export async function writeWhole(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
}
