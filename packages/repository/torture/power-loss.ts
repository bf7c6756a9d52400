import { folderNode } from './simulated-disk.ts'
import type { DiskNode, FileNode, FolderNode } from './simulated-disk.ts'

/**
 * What becomes of what was not synced. `lost`: all of it is. `kept`: none of it. `torn`: what was done up to some moment is there,
 * and files are cut off at a block. `reordered`: each name and each block on its own, whenever it was written.
 */
export const losses = ['lost', 'kept', 'torn', 'reordered'] as const
export type Loss = (typeof losses)[number]

export interface AfterPowerLoss {
  readonly disk: FolderNode
  /** Whether the loss had an effect of its kind. */
  readonly fired: boolean
}

const blockBytes = 128

/** The disk as it is found when the power is back. The one before stays as it is. */
export function afterPowerLoss(before: FolderNode, loss: Loss, dice: () => number): AfterPowerLoss {
  const fates: { readonly changed: number; readonly survives: boolean }[] = []
  let torn = false
  const moments = unsyncedMoments(before)
  const last = moments[Math.floor(dice() * moments.length)] ?? 0
  const survives = (changed: number): boolean => {
    const fate = loss === 'kept' || (loss === 'torn' ? changed <= last : loss === 'reordered' && dice() < 0.5)
    fates.push({ changed, survives: fate })
    return fate
  }
  const nodes = new Map<DiskNode, DiskNode>()
  const left = (node: DiskNode): DiskNode => {
    const known = nodes.get(node)
    if (known !== undefined) return known
    const found = node.kind === 'folder' ? leftFolder(node) : leftFile(node)
    nodes.set(node, found)
    return found
  }
  const leftFolder = (folder: FolderNode): FolderNode => {
    const names = [...new Set([...folder.entries.keys(), ...folder.synced.keys()])]
    const entries = names.flatMap((name) => {
      const [now, durable] = [folder.entries.get(name), folder.synced.get(name)]
      const node = now === durable || !survives(folder.changed.get(name) ?? 0) ? durable : now
      return node === undefined ? [] : [[name, left(node)] as const]
    })
    return folderNode(entries)
  }
  const leftFile = (file: FileNode): FileNode => {
    const data = file.synced === file.data ? file.data : leftData(file)
    return { kind: 'file', data, synced: data, dirty: false, changed: 0 }
  }
  const leftData = ({ data, synced = Buffer.alloc(0), changed }: FileNode): Buffer => {
    if (loss === 'lost') return synced
    if (loss === 'kept' || data.length === 0) return data
    const cut = Math.min(data.length, Math.max(synced.length, Math.floor(dice() * (data.length / blockBytes + 1)) * blockBytes))
    torn ||= cut < data.length
    fates.push({ changed, survives: cut === data.length })
    if (loss === 'torn') return data.subarray(0, cut)
    // The length may have become durable before what is in between.
    const holes = Buffer.from(data)
    for (let at = synced.length; at < data.length; at += blockBytes)
      if (dice() < 0.5) holes.fill(0, at, Math.min(at + blockBytes, holes.length))
    return holes
  }
  const disk = left(before) as FolderNode
  const lost = fates.filter((fate) => !fate.survives)
  const firstLost = Math.min(...lost.map(({ changed }) => changed))
  const fired = {
    lost: lost.length > 0,
    kept: fates.length > 0,
    torn: torn || (lost.length > 0 && lost.length < fates.length),
    reordered: fates.some((fate) => fate.survives && fate.changed > firstLost),
  }
  return { disk, fired: fired[loss] }
}

/** A disk in the same state, that nothing will change. */
export function copyOfDisk(disk: FolderNode): FolderNode {
  const copies = new Map<DiskNode, DiskNode>()
  const copy = (node: DiskNode): DiskNode => {
    const known = copies.get(node)
    if (known !== undefined) return known
    if (node.kind === 'file') {
      const file = { ...node }
      copies.set(node, file)
      return file
    }
    const folder: FolderNode = { ...node, entries: new Map(), changed: new Map(node.changed) }
    copies.set(node, folder)
    for (const [name, child] of node.entries) folder.entries.set(name, copy(child))
    folder.synced = new Map([...node.synced].map(([name, child]) => [name, copy(child)]))
    return folder
  }
  return copy(disk) as FolderNode
}

export function hasUnsynced(disk: FolderNode): boolean {
  return unsyncedMoments(disk).length > 0
}

function unsyncedMoments(disk: FolderNode): number[] {
  const moments: number[] = []
  const seen = new Set<DiskNode>()
  const visit = (node: DiskNode): void => {
    if (seen.has(node)) return
    seen.add(node)
    if (node.kind === 'file') {
      if (node.synced !== node.data) moments.push(node.changed)
      return
    }
    for (const name of new Set([...node.entries.keys(), ...node.synced.keys()])) {
      if (node.entries.get(name) !== node.synced.get(name)) moments.push(node.changed.get(name) ?? 0)
    }
    for (const child of [...node.entries.values(), ...node.synced.values()]) visit(child)
  }
  visit(disk)
  return moments
}
