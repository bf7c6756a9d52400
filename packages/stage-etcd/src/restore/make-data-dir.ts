import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { filePages, openBolt } from '@kpipe/bolt'
import { KpipeError } from '@kpipe/engine/contracts'
import { compareLines, readDatabaseFacts } from './database-facts.ts'
import type { DatabaseFacts } from './database-facts.ts'
import type { DataDirSettings } from './data-dir-settings.ts'
import { forms } from './form.ts'
import type { Form } from './form.ts'
import type { InitialCluster } from './initial-cluster.ts'
import { newFile } from './new-file.ts'
import type { Place } from './place.ts'
import { snapFile, snapName } from './snap-file.ts'
import { verifyTrailer } from './trailer.ts'
import { walFileBytes, walName, walOf } from './wal.ts'
import { writeDatabase } from './write-database.ts'
import type { Bump, WrittenDatabase } from './write-database.ts'

export interface MadeDataDir extends WrittenDatabase {
  readonly facts: DatabaseFacts
  readonly form: Form
  /** The older line of etcd that the database now names. */
  readonly lowerTo: string | undefined
}

/**
 * Makes `member/` in `place.data` from the snapshot in `place.scratch`, which is removed.
 * @throws KpipeError KPIPE_TRAILER_MISMATCH, KPIPE_USAGE, KPIPE_INTERRUPTED; BoltError; errors of the system
 */
export async function makeDataDir(
  place: Place,
  bytes: number,
  settings: DataDirSettings,
  cluster: InitialCluster,
  signal: AbortSignal,
): Promise<MadeDataDir> {
  if (!settings.skipHashCheck) await reading(place.scratch, (handle) => verifyTrailer(handle, bytes))
  const snap = join(place.data, 'member', 'snap')
  for (const folder of [snap, place.wal]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const pages = await filePages(place.scratch)
  try {
    const bolt = await openBolt(pages)
    const facts = await readDatabaseFacts(bolt)
    const lowerTo = loweredTo(settings, facts.line)
    const form = formOf(settings.etcdVersion ?? facts.line, settings.etcdVersion !== undefined)
    let written: WrittenDatabase | undefined
    await newFile(join(snap, 'db'), async (write) => {
      written = await writeDatabase(bolt, { cluster, bump: bumpOf(settings), facts, lowerTo }, async (position, piece) => {
        if (signal.aborted) throw new KpipeError('KPIPE_INTERRUPTED', `interrupted while ${settings.dataDir} was made`)
        await write(position, piece)
      })
    })
    await newFile(join(snap, snapName(cluster)), (write) => write(0, snapFile(cluster, form)))
    await newFile(join(place.wal, walName), (write) => write(0, walOf(cluster, form)), walFileBytes)
    return { ...written!, facts, form, lowerTo }
  } finally {
    await pages.close()
    await rm(place.scratch, { force: true })
  }
}

async function reading(path: string, read: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
  const handle = await open(path)
  try {
    await read(handle)
  } finally {
    await handle.close()
  }
}

function bumpOf({ bumpRevision, noBump }: DataDirSettings): Bump {
  return bumpRevision ?? (noBump ? 'none' : 'kubernetes')
}

/**
 * The older line that the database is to name: none when what is to run on it is no older than the snapshot's.
 * @throws KpipeError KPIPE_USAGE when it is, unless forced
 */
export function loweredTo({ etcdVersion, force }: DataDirSettings, line: string): string | undefined {
  if (etcdVersion === undefined || compareLines(etcdVersion, line) >= 0) return undefined
  if (force) return etcdVersion
  const message = `the snapshot is of etcd ${line}, and etcd ${etcdVersion}, which is older, is to run on it`
  throw new KpipeError('KPIPE_USAGE', message, { snapshot: line, etcd: etcdVersion })
}

/** Where nobody said what is to run on it, what is older gets the form of 3.5, which boots everywhere, and what is newer that of 3.7. */
function formOf(line: string, told: boolean): Form {
  if (!told && compareLines(line, '3.5') < 0) return '3.5'
  return forms.find((form) => form === line) ?? '3.7'
}
