import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import type { SourceContext, SourceStream } from '@kpipe/engine/contracts'
import { bothMetas, metaBytes, readContent } from './content.ts'
import { takeLock } from './lock.ts'
import { gapRemarks, readLog } from './log-gap.ts'
import { readRaftSnapshots } from './raft-snapshots.ts'
import { readContentBytes, trailerBytes } from './read-content.ts'
import { isMissing, reading } from './reading.ts'
import type { StoppedMember } from './settings.ts'
import { movedBy, stillness } from './stillness.ts'

/**
 * The database of a member that does not run, as a snapshot.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE, KPIPE_SOURCE_REFUSED when its etcd runs, KPIPE_BOLT_INVALID
 */
export async function openStopped(settings: StoppedMember, context: SourceContext): Promise<SourceStream> {
  const dataDir = resolve(settings.dataDir)
  const database = join(dataDir, 'member/snap/db')
  const handle = await openDatabase(dataDir, database)
  try {
    return await openStream(handle, database, { ...settings, dataDir }, context)
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openDatabase(dataDir: string, database: string): Promise<FileHandle> {
  return reading(database, () =>
    open(database).catch(async (cause: unknown) => {
      // Where the folder itself is missing, the system's words say so.
      if (isMissing(cause) && (await reading(dataDir, () => stat(dataDir))).isDirectory()) {
        const seen = `${dataDir} is no data directory of etcd: there is no member/snap/db in it`
        throw new KpipeError('KPIPE_SOURCE_UNREACHABLE', seen, { data_dir: dataDir }, { cause })
      }
      throw cause
    }),
  )
}

async function openStream(handle: FileHandle, database: string, settings: StoppedMember, context: SourceContext): Promise<SourceStream> {
  const { dataDir } = settings
  const lock = await takeLock(handle, context.signal)
  context.signal.throwIfAborted()
  const refused = (seen: string, details = {}) =>
    new KpipeError('KPIPE_SOURCE_REFUSED', `${database} ${seen}`, { data_dir: dataDir, ...details })
  if (lock.kind === 'taken') {
    const by = lock.pid === undefined ? 'another process' : `process ${lock.pid}`
    throw refused(`is in use, ${by} has its lock: the etcd of this data directory runs`, { pid: lock.pid })
  }
  const content = await reading(database, () => readContent(database))
  const look = () => reading(database, () => stillness(handle, database, content.metaPositions, metaBytes), 'KPIPE_SOURCE_DIED')
  const before = await look()
  const metas = bothMetas(before.metas, content.txid)
  if (metas === undefined) throw refused('changed while it was read: its meta pages changed')
  const walDir = settings.walDir === undefined ? join(dataDir, 'member/wal') : resolve(settings.walDir)
  const { rows } = content
  const log = await readLog(walDir, rows.consistentIndex, settings.walDir !== undefined)
  const snapshots = await reading(join(dataDir, 'member/snap'), () => readRaftSnapshots(join(dataDir, 'member/snap'), rows.consistentIndex))
  const hex = (id: bigint | undefined) => (id === undefined ? '' : id.toString(16).padStart(16, '0'))
  const [clusterId, memberId] = [hex(log?.clusterId), hex(log?.memberId)]

  if (lock.kind === 'unknown') context.warn(`whether an etcd runs on ${dataDir} cannot be told for certain: ${lock.reason}`)
  for (const remark of gapRemarks(walDir, log, rows)) context.warn(remark)
  if (snapshots.received !== undefined)
    context.warn(
      `${dataDir} holds ${snapshots.received}, a newer database than the one that is read: etcd puts it in its place when it starts`,
    )
  if (snapshots.v2Data === true) context.warn(`${dataDir} holds data of version 2 of etcd, which is in no snapshot`)

  return {
    name: clusterId || `${hostname()}:${dataDir}`,
    member: memberId,
    bytes: content.bytes + trailerBytes,
    facts: {
      cluster_id: clusterId,
      member_id: memberId,
      member_name: rows.members.find(({ id }) => id === memberId)?.name ?? '',
      endpoint: dataDir,
      data_dir: dataDir,
      wal_dir: walDir,
      database_modified: new Date(Number(before.modifiedNs / 1_000_000n)).toISOString(),
      cluster_members: rows.members,
      consistent_index: rows.consistentIndex,
      wal_last_index: log?.lastIndex ?? null,
      wal_commit: log?.commit ?? null,
      wal_entries_newer: log?.entries ?? null,
      wal_writes_newer: log?.writes ?? null,
      wal_fault: log?.fault ?? null,
      v2_data: snapshots.v2Data ?? null,
      evidence: 'none',
      evidence_note: 'the member does not run',
    },
    read: () =>
      readContentBytes(handle, content, metas, {
        path: database,
        signal: context.signal,
        digestSoFar: () => context.digestSoFar(),
        async demandUnmoved() {
          const moved = movedBy(before, await look())
          if (moved !== undefined) throw refused(`changed while it was read: ${moved}`)
        },
      }),
    end: () => Promise.resolve({ trailer_verified: false }),
    close: () => handle.close(),
  }
}
