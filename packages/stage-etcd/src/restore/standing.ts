import { lstat, open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { takeLock } from '../data-dir/lock.ts'
import { readWalIds } from '../wal/read-wal.ts'
import { exists } from './failing.ts'
import type { InitialCluster } from './initial-cluster.ts'
import { hexId } from './member-json.ts'
import type { Owner } from './owner.ts'

/** What is at the place of the new data directory and is to be kept. */
export interface Standing {
  /** The folder itself, where the data directory is a link to it. */
  readonly folder: string
  /** `folder`: the whole folder gets another name. `member`: it stays, as a mount point has to, and its `member` does. `nothing`: there is no member in it. */
  readonly moves: 'folder' | 'member' | 'nothing'
  /** Of the member that is there, or that was moved aside by a restore that did not come to its end. */
  readonly owner: Owner | undefined
  /** @throws KpipeError KPIPE_TARGET_FAILED when an etcd runs on it */
  demandStopped(): Promise<void>
}

/** What follows a name that was moved aside; then comes the time. */
const before = '.before-'

/**
 * Looks at what is there, so that it can be moved aside. Whatever is no data directory is refused, and so is the very member that would be made,
 * which an earlier restore has left.
 * @throws KpipeError KPIPE_TARGET_EXISTS; KPIPE_TARGET_FAILED when an etcd runs on it
 */
export async function lookAtStanding(
  dataDir: string,
  walDir: string | undefined,
  wanted: InitialCluster,
  hear: Hearing,
): Promise<Standing> {
  const found = await stat(dataDir).catch(noneThere)
  await tellLeftovers(dirname(resolve(dataDir)), basename(dataDir), hear)
  if (found === undefined) {
    const owner = await ownerAside(dirname(resolve(dataDir)), basename(dataDir))
    return { folder: resolve(dataDir), moves: 'nothing', owner, demandStopped: async () => {} }
  }
  if (!found.isDirectory()) throw exists(dataDir, 'exists already and is no folder')
  const folder = await realpath(dataDir)
  const names = await readdir(folder)
  if (!names.includes('member')) {
    const other = names.find((name) => name !== 'lost+found' && !name.startsWith(`member${before}`) && !name.endsWith('.part'))
    if (other !== undefined) throw exists(dataDir, `exists already and is no data directory of etcd: it holds ${other}, and no member`)
    return { folder, moves: 'nothing', owner: await ownerAside(folder, 'member'), demandStopped: async () => {} }
  }
  await demandOther(dataDir, walDir ?? join(folder, 'member/wal'), wanted)
  const database = join(folder, 'member/snap/db')
  const demandStopped = () => demandUnlocked(database, dataDir, hear)
  await demandStopped()
  const { uid, gid } = await stat(join(folder, 'member'))
  return { folder, moves: (await isMountPoint(folder)) ? 'member' : 'folder', owner: { user: uid, group: gid }, demandStopped }
}

/** A name for what is moved aside: `etcd.before-20261121T170500Z`. */
export function asideName(path: string, time = new Date()): string {
  return `${path}${before}${time.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
}

export interface Hearing {
  readonly signal: AbortSignal
  warn?(message: string): void
}

async function demandUnlocked(database: string, dataDir: string, { signal, warn }: Hearing): Promise<void> {
  const handle = await open(database).catch(noneThere)
  if (handle === undefined) return
  try {
    const lock = await takeLock(handle, signal)
    signal.throwIfAborted()
    if (lock.kind === 'unknown') warn?.(`whether an etcd runs on ${dataDir} cannot be told for certain: ${lock.reason}`)
    if (lock.kind !== 'taken') return
    const by = lock.pid === undefined ? 'another process' : `process ${lock.pid}`
    throw new KpipeError('KPIPE_TARGET_FAILED', `${dataDir} is in use, ${by} has the lock of its database: an etcd runs on it`, {
      data_dir: dataDir,
      pid: lock.pid,
    })
  } finally {
    await handle.close()
  }
}

/** A token belongs to one cluster: a member with these very ids was made by the same restore, or the token was used before. */
async function demandOther(dataDir: string, walDir: string, { id, self }: InitialCluster): Promise<void> {
  const ids = await readWalIds(walDir).catch(() => undefined) // A log that nobody can read is none that was just made.
  if (ids?.clusterId !== id || ids.memberId !== self.id) return
  throw new KpipeError(
    'KPIPE_TARGET_EXISTS',
    `${dataDir} is already the member ${self.name} that would be made, ${hexId(self.id)} of cluster ${hexId(id)}`,
    { path: dataDir, data_dir: dataDir, made_before: true },
  )
}

/** A restore that was killed leaves what it had made so far. One that runs now looks just so. */
async function tellLeftovers(folder: string, name: string, { warn }: Hearing): Promise<void> {
  const names = (await readdir(folder).catch(noneThere)) ?? []
  for (const other of names)
    if (other.startsWith(`.${name}.`) && /\.[0-9a-f]{12}\.part$/.test(other))
      warn?.(`${join(folder, other)} is of a restore that was killed, and can be removed, unless another one runs now`)
}

/** The owner of the newest that was moved aside here. */
async function ownerAside(folder: string, name: string): Promise<Owner | undefined> {
  const names = await readdir(folder).catch(noneThere)
  const newest = names?.filter((other) => other.startsWith(`${name}${before}`)).toSorted().at(-1) // prettier-ignore
  if (newest === undefined) return undefined
  const { uid, gid } = await lstat(join(folder, newest))
  return { user: uid, group: gid }
}

/** By Linux's list of mounts, which has binds of folders of the same disk, too; else by the disk. */
async function isMountPoint(folder: string): Promise<boolean> {
  const list = await readFile('/proc/self/mountinfo', 'utf8').catch(() => undefined) // Not Linux.
  if (list === undefined) return (await stat(folder)).dev !== (await stat(dirname(folder))).dev
  const unescaped = (text: string) =>
    text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return list.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === folder)
}

function noneThere(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
