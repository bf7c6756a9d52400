import { basename, dirname } from 'node:path'
import type { FileSystem, OpenFile } from '@kpipe/stage-store-fs'

/** A file. What it holds, and what of it a loss of power leaves. */
export interface FileNode {
  readonly kind: 'file'
  data: Buffer
  /** As of the last fsync; undefined before the first. */
  synced: Buffer | undefined
  /** Whether the next fsync has anything to write. */
  dirty: boolean
  /** When it was last written. */
  changed: number
}

export interface FolderNode {
  readonly kind: 'folder'
  readonly entries: Map<string, DiskNode>
  synced: ReadonlyMap<string, DiskNode>
  dirty: boolean
  /** When each name was last made or removed. */
  readonly changed: Map<string, number>
}

export type DiskNode = FileNode | FolderNode

export type DiskOperation =
  'open' | 'create' | 'writev' | 'read' | 'fstat' | 'sync' | 'close' | 'link' | 'rm' | 'mkdir' | 'rmdir' | 'readdir' | 'stat'

export interface DiskCall {
  /** 1 for the first call. */
  readonly number: number
  readonly operation: DiskOperation
  readonly path: string
}

/**
 * `before`: the error instead of the work. `after`: the work is done, and then the error. `short`: a write takes half of the bytes.
 * `fsync`: an fsync fails, and the system forgets what it could not write, as Linux does.
 */
export type DiskFault = { readonly kind: 'before' | 'after' | 'fsync'; readonly errno: string } | { readonly kind: 'short' }

/** Calls that change what a loss of power would leave. */
export const changing: ReadonlySet<DiskOperation> = new Set(['create', 'writev', 'sync', 'link', 'rm', 'mkdir', 'rmdir'])

export function emptyDisk(): FolderNode {
  return folderNode([])
}

/**
 * The files of a disk in memory.
 * @param decide is asked before each call; it may look at the disk as it then is
 * @param turns how long a call waits for others, in turns of the event loop's queue of promises
 */
export function simulatedFiles(
  disk: FolderNode,
  decide: (call: DiskCall) => DiskFault | undefined,
  turns: () => number = () => 0,
): FileSystem {
  let [calls, clock] = [0, 0]
  const asked = async <Result>(operation: DiskOperation, path: string, work: (short: boolean) => Result): Promise<Result> => {
    for (let left = turns(); left > 0; left--) await undefined
    const fault = decide({ number: ++calls, operation, path })
    if (fault === undefined || fault.kind === 'short') return work(fault !== undefined)
    if (fault.kind === 'before') throw failure(fault.errno, operation, path)
    if (fault.kind === 'after') work(false)
    else nodeAt(disk, path).dirty = false
    throw failure(fault.errno, operation, path)
  }
  const put = (path: string, node: DiskNode): void => {
    const folder = folderAt(disk, dirname(path))
    if (folder.entries.has(basename(path))) throw failure('EEXIST', 'put', path)
    folder.entries.set(basename(path), node)
    touch(folder, basename(path))
  }
  const drop = (path: string): void => {
    const folder = folderAt(disk, dirname(path))
    folder.entries.delete(basename(path))
    touch(folder, basename(path))
  }
  const touch = (folder: FolderNode, name: string): void => {
    folder.dirty = true
    folder.changed.set(name, ++clock)
  }
  const openFile = (path: string, node: DiskNode): OpenFile => ({
    writev: async (parts) =>
      asked('writev', path, (short) => {
        const file = demandFile(node, path)
        const whole = Buffer.concat(parts)
        const written = short ? whole.subarray(0, Math.ceil(whole.length / 2)) : whole
        file.data = Buffer.concat([file.data, written])
        file.dirty = true
        file.changed = ++clock
        return { bytesWritten: written.length }
      }),
    read: async (into, offset, length, position) =>
      asked('read', path, () => {
        const bytes = demandFile(node, path).data.subarray(position, position + length)
        into.set(bytes, offset)
        return { bytesRead: bytes.length }
      }),
    stat: async () => asked('fstat', path, () => ({ size: sizeOf(node), isFile: () => node.kind === 'file' })),
    sync: async () => asked('sync', path, () => sync(node)),
    close: async () => asked('close', path, () => undefined),
  })
  return {
    open: async (path, flags) =>
      asked(flags === 'wx' ? 'create' : 'open', path, () => {
        if (flags === 'wx') put(path, { kind: 'file', data: Buffer.alloc(0), synced: undefined, dirty: true, changed: ++clock })
        return openFile(path, nodeAt(disk, path))
      }),
    link: async (existing, name) => asked('link', name, () => put(name, nodeAt(disk, existing))),
    mkdir: async (path) => asked('mkdir', path, () => put(path, folderNode([]))),
    rm: async (path) =>
      asked('rm', path, () => {
        const node = find(disk, path)
        if (node?.kind === 'folder') throw failure('EISDIR', 'rm', path)
        if (node !== undefined) drop(path)
      }),
    rmdir: async (path) =>
      asked('rmdir', path, () => {
        if (folderAt(disk, path).entries.size > 0) throw failure('ENOTEMPTY', 'rmdir', path)
        drop(path)
      }),
    readdir: async (path) =>
      asked('readdir', path, () =>
        [...folderAt(disk, path).entries].map(([name, node]) => ({ name, isDirectory: () => node.kind === 'folder' })),
      ),
    stat: async (path) => asked('stat', path, () => ({ size: sizeOf(nodeAt(disk, path)) })),
  }
}

/** All of it is durable. */
export function folderNode(entries: Iterable<readonly [string, DiskNode]>): FolderNode {
  const list = [...entries]
  return { kind: 'folder', entries: new Map(list), synced: new Map(list), dirty: false, changed: new Map() }
}

function sync(node: DiskNode): void {
  if (!node.dirty) return
  node.dirty = false
  if (node.kind === 'file') node.synced = node.data
  else node.synced = new Map(node.entries)
}

function nodeAt(disk: FolderNode, path: string): DiskNode {
  const node = find(disk, path)
  if (node === undefined) throw failure('ENOENT', 'open', path)
  return node
}

function find(disk: FolderNode, path: string): DiskNode | undefined {
  let node: DiskNode | undefined = disk
  for (const name of path.split('/').filter((piece) => piece !== '')) {
    if (node === undefined) return undefined
    if (node.kind === 'file') throw failure('ENOTDIR', 'open', path)
    node = node.entries.get(name)
  }
  return node
}

function folderAt(disk: FolderNode, path: string): FolderNode {
  const node = nodeAt(disk, path)
  if (node.kind === 'file') throw failure('ENOTDIR', 'open', path)
  return node
}

function demandFile(node: DiskNode, path: string): FileNode {
  if (node.kind === 'folder') throw failure('EISDIR', 'read', path)
  return node
}

function sizeOf(node: DiskNode): number {
  return node.kind === 'file' ? node.data.length : 4096
}

function failure(errno: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${errno}: ${operation} '${path}'`), { code: errno })
}
