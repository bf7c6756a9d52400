import { open } from 'node:fs/promises'
import type { Facts, PositionedTarget, TargetContext } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import type { DataDirSettings } from './data-dir-settings.ts'
import { failing } from './failing.ts'
import { readInitialCluster } from './initial-cluster.ts'
import type { InitialCluster } from './initial-cluster.ts'
import { lineOf } from './database-facts.ts'
import { loweredTo, makeDataDir } from './make-data-dir.ts'
import type { MadeDataDir } from './make-data-dir.ts'
import { writeAt } from './new-file.ts'
import { ownerText, readOwner } from './owner.ts'
import type { Owner } from './owner.ts'
import { openPlace } from './place.ts'
import { lookAtStanding } from './standing.ts'
import { remarks } from './remarks.ts'
import { demandTrailer } from './trailer.ts'

/**
 * Takes a snapshot as it comes into a file beside the data directory, and makes the data directory of it on `commit`.
 * @throws KpipeError KPIPE_USAGE, KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED
 */
export async function openDataDir(settings: DataDirSettings, context: TargetContext): Promise<PositionedTarget> {
  const { dataDir } = settings
  const cluster = readInitialCluster(settings)
  if (settings.bumpRevision !== undefined && settings.noBump)
    throw new KpipeError('KPIPE_USAGE', 'revisions cannot be bumped and left as they are at once')
  refuseOlder(settings, context.facts ?? {})
  if (!settings.skipHashCheck) demandTrailer(context.bytes)
  const wanted = settings.owner === undefined ? undefined : await readOwner(settings.owner)
  const place = await failing(dataDir, async () => {
    const standing = settings.moveAside ? await lookAtStanding(dataDir, settings.walDir, cluster, context) : undefined
    return openPlace(dataDir, settings.walDir, standing)
  })
  const abandoning = async (error: unknown): Promise<never> => {
    await place.abandon()
    throw error
  }
  const owner = await decided(wanted, place.owner).catch(abandoning)
  const handle = await failing(dataDir, () => open(place.scratch, 'wx+', 0o600)).catch(abandoning)
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await handle.close()
  }

  return {
    ordered: false,
    write: (position, bytes) => failing(dataDir, () => writeAt(handle, position, bytes)),
    async read(position, into) {
      const { bytesRead } = await failing(dataDir, () => handle.read(into, 0, into.length, position))
      return bytesRead
    },
    async commit() {
      await failing(dataDir, async () => {
        await close()
        const made = await makeDataDir(place, context.bytes, settings, cluster, context.signal)
        const aside = await place.publish(owner)
        const given = owner === undefined ? undefined : await ownerText(owner)
        for (const remark of remarks(made, given, settings, aside)) context.warn?.(remark)
        context.made?.({ ...factsOf(made, cluster, given), moved_aside: aside })
      })
    },
    async abort() {
      await close().catch(() => undefined) // The file goes away either way.
      await failing(dataDir, () => place.abandon())
    },
  }
}

/** Before anything is read, as far as it is known by then. @throws KpipeError KPIPE_USAGE */
function refuseOlder(settings: DataDirSettings, { cluster_version: cluster, storage_version: storage }: Facts): void {
  for (const version of [cluster, storage]) {
    const line = typeof version === 'string' ? lineOf(version) : undefined
    if (line !== undefined) loweredTo(settings, line)
  }
}

/** Who gets the files, when that is somebody else than who runs kpipe; only root can give them away. */
async function decided(wanted: Owner | undefined, standing: Owner): Promise<Owner | undefined> {
  const [user, group] = [process.geteuid!(), process.getegid!()]
  const owner = wanted ?? (user === 0 ? standing : undefined)
  if (owner === undefined || (owner.user === user && owner.group === group)) return undefined
  if (user === 0) return owner
  if (owner.user === user && process.getgroups!().includes(owner.group)) return owner
  throw new KpipeError(
    'KPIPE_USAGE',
    `only root can give files to ${await ownerText(owner)}, and kpipe runs as ${await ownerText({ user, group })}`,
  )
}

function factsOf(made: MadeDataDir, cluster: InitialCluster, owner: string | undefined): Facts {
  return {
    cluster_id: cluster.id.toString(16).padStart(16, '0'),
    member_id: cluster.self.id.toString(16).padStart(16, '0'),
    member_name: cluster.self.name,
    members: cluster.members.length,
    revision: made.revision,
    bumped_to: made.bumpedTo ?? null,
    kubernetes: made.kubernetes,
    etcd: made.form,
    snapshot_etcd: made.facts.line,
    database_bytes: made.bytes,
    alarms: made.facts.alarms,
    auth_enabled: made.facts.authEnabled,
    owner: owner ?? null,
  }
}
