import { randomBytes } from 'node:crypto'
import { chown, lstat, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { exists } from './failing.ts'
import type { Owner } from './owner.ts'
import { asideName } from './standing.ts'
import type { Standing } from './standing.ts'

/** A folder beside the one that is to be, where its content is made. Nothing shows under the final names before `publish`. */
export interface Place {
  /** For what is needed while the content is made. */
  readonly scratch: string
  /** Becomes the data directory, or its content where that is there and empty. */
  readonly data: string
  /** Where the log goes; it does not exist yet. */
  readonly wal: string
  /** Who the final folder's owner is to be, by what it stands in for: what is moved aside, an empty folder that is there, else the folder around it. */
  readonly owner: Owner
  /** Gives everything its owner and its name, on the disk for good. Resolves with the names of what it moved aside. */
  publish(owner: Owner | undefined): Promise<readonly string[]>
  /** Leaves nothing behind. */
  abandon(): Promise<void>
}

/**
 * @param walDir where the log goes instead of the data directory
 * @param standing what is there and is moved aside when all is made; without it nothing may be there, and no log
 * @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_USAGE; errors of the system
 */
export async function openPlace(given: string, walDir: string | undefined, standing?: Standing): Promise<Place> {
  const dataDir = standing?.folder ?? given
  const there = standing === undefined ? await emptyFolder(dataDir) : standing.moves !== 'folder' && (await isThere(dataDir))
  const walInside = walDir === undefined ? join('member', 'wal') : relative(given, walDir)
  const separateWal = walInside === '..' || walInside.startsWith(`..${sep}`)
  if (walInside === '') throw new KpipeError('KPIPE_USAGE', `${dataDir} cannot be data directory and WAL directory at once`)
  if (walDir !== undefined && standing === undefined) await refuse(walDir)
  const around = dirname(dataDir)
  const made = there ? undefined : await mkdir(around, { recursive: true, mode: 0o700 })
  const holder = draftName(there ? join(dataDir, 'data') : dataDir)
  const walDraft = separateWal ? draftName(walDir!) : undefined
  const { uid, gid } = await stat(there ? dataDir : around)
  const data = join(holder, 'data')
  await mkdir(holder, { mode: 0o700 })
  await mkdir(data, { mode: 0o700 })

  return {
    scratch: join(holder, 'snapshot'),
    data,
    wal: walDraft ?? join(data, walInside),
    owner: standing?.owner ?? { user: uid, group: gid },
    async publish(owner) {
      await settle(data, owner)
      if (walDraft !== undefined) await settle(walDraft, owner)
      const aside = await moveAside(standing, separateWal ? walDir! : join(dataDir, walInside))
      try {
        if (walDraft !== undefined) {
          await refuse(walDir!)
          await rename(walDraft, walDir!)
          await sync(dirname(walDir!))
        }
        try {
          if (there) await moveInto(data, dataDir)
          else await giveName(data, dataDir)
        } catch (error) {
          if (walDraft !== undefined) await rm(walDir!, { recursive: true, force: true })
          throw error
        }
      } catch (error) {
        for (const [name, other] of aside.toReversed()) await rename(other, name)
        throw error
      }
      await rm(holder, { recursive: true, force: true })
      await sync(there ? dataDir : around)
      await syncAbove(around, made)
      return aside.map(([, other]) => other)
    },
    async abandon() {
      await rm(holder, { recursive: true, force: true })
      if (walDraft !== undefined) await rm(walDraft, { recursive: true, force: true })
      await removeEmpty(around, made)
    },
  }
}

/** The old names and the new ones. When one cannot be moved, none is. */
async function moveAside(standing: Standing | undefined, wal: string): Promise<(readonly [string, string])[]> {
  if (standing === undefined) return []
  await standing.demandStopped()
  const { folder, moves } = standing
  const names = moves === 'folder' ? [folder] : moves === 'member' ? [join(folder, 'member')] : []
  // A log in a folder that moves goes with it.
  if (!names.some((name) => wal.startsWith(`${name}${sep}`)) && (await isThere(wal))) names.unshift(wal)
  const moved: (readonly [string, string])[] = []
  const time = new Date()
  try {
    for (const name of names) {
      const other = asideName(name, time)
      await refuse(other)
      await rename(name, other)
      moved.push([name, other])
    }
  } catch (error) {
    for (const [name, other] of moved.toReversed()) await rename(other, name)
    throw error
  }
  return moved
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

/** Folders that were made for this one, up to the first that holds something else by now. */
async function removeEmpty(folder: string, made: string | undefined): Promise<void> {
  if (made === undefined || folder.length < made.length) return
  const gone = await rmdir(folder).then(
    () => true,
    () => false,
  )
  if (gone) await removeEmpty(dirname(folder), made)
}

/** The entries of folders that were made for this one. */
async function syncAbove(folder: string, made: string | undefined): Promise<void> {
  if (made === undefined || folder.length < made.length) return
  await sync(dirname(folder))
  await syncAbove(dirname(folder), made)
}

function draftName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`)
}

/** True when it is there and empty, false when it is not there. */
async function emptyFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) {
    await refuse(path) // A link that leads nowhere.
    return false
  }
  if (!found.isDirectory()) throw exists(path, 'exists already and is no folder')
  if ((await readdir(path)).length > 0) throw exists(path, 'exists already and is not empty')
  return true
}

async function refuse(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (found !== undefined) throw exists(path, 'exists already')
}

/** A rename replaces an empty folder that has appeared meanwhile, and nothing else. */
async function giveName(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(error.code ?? '')) throw exists(to, 'was made by somebody else meanwhile')
    throw error
  })
}

/** etcd looks at `member` alone, so that comes last. */
async function moveInto(from: string, to: string): Promise<void> {
  const names = (await readdir(from)).toSorted((a, b) => Number(a === 'member') - Number(b === 'member'))
  for (const name of names) {
    await refuse(join(to, name))
    await rename(join(from, name), join(to, name))
  }
}

/** Owner and durability of a folder and all in it. */
async function settle(folder: string, owner: Owner | undefined): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await settle(path, owner)
    else if (owner !== undefined) {
      await chown(path, owner.user, owner.group)
      await sync(path)
    }
  }
  if (owner !== undefined) await chown(folder, owner.user, owner.group)
  await sync(folder)
}

async function sync(path: string): Promise<void> {
  const handle = await open(path)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
