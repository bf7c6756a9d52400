import { link, mkdir, open, rm, rmdir, stat } from 'node:fs/promises'
import { readFolder } from './read-folder.ts'

/** What a directory store asks of a file system: these functions of `node:fs/promises`, with these arguments, and one of its own. */
export interface FileSystem {
  open(path: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile>
  link(existing: string, name: string): Promise<void>
  rm(path: string, options: { readonly force: true }): Promise<void>
  mkdir(path: string, options: { readonly mode: number }): Promise<unknown>
  rmdir(path: string): Promise<void>
  /** At the least those whose names are wanted, in any order. */
  readdir(path: string, wanted: (name: string) => boolean): Promise<readonly FolderEntry[]>
  stat(path: string): Promise<{ readonly size: number }>
}

export interface OpenFile {
  writev(parts: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }>
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  stat(): Promise<{ readonly size: number; isFile(): boolean }>
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FolderEntry {
  readonly name: string
  isDirectory(): boolean
}

export const systemFiles: FileSystem = { open, link, rm, mkdir, rmdir, readdir: readFolder, stat }
