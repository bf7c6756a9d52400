import { access, constants, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { sizeText } from '../output/size-text.ts'

/** Of etcd itself: its log of 64 MB, the next one made ready, and room to grow. */
const etcdBytes = 256_000_000

/** Where a drill restores to: what is named, else TMPDIR, else /var/tmp, which unlike /tmp is never memory. */
export async function scratchPlace(named: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  if (named !== undefined) return resolve(named)
  if (env['TMPDIR']) return resolve(env['TMPDIR'])
  const usable = await access('/var/tmp', constants.W_OK | constants.X_OK).then(() => true, () => false) // prettier-ignore
  return usable ? '/var/tmp' : tmpdir()
}

export interface Room {
  /** Why there is none to boot etcd in. */
  readonly whyNoBoot: string | undefined
}

/**
 * Checks what is free before anything is written. Booting takes the restored file three times over for a while: as it is, on its way into
 * the data directory, and in there.
 * @throws KpipeError KPIPE_TARGET_FAILED when not even the file fits
 */
export async function roomIn(place: string, bytes: number): Promise<Room> {
  const free = await freeIn(place)
  if (free < bytes)
    throw new KpipeError('KPIPE_TARGET_FAILED', `${place} has ${sizeText(free)} free, and the snapshot needs ${sizeText(bytes)}`, {
      path: place,
    })
  const needed = 3 * bytes + etcdBytes
  return { whyNoBoot: free < needed ? `${place} has ${sizeText(free)} free, and etcd needs ${sizeText(needed)}` : undefined }
}

async function freeIn(place: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(place)
    return bavail * bsize
  } catch (cause) {
    throw new KpipeError('KPIPE_TARGET_FAILED', `${place} cannot be used: ${(cause as Error).message}`, { path: place }, { cause })
  }
}
