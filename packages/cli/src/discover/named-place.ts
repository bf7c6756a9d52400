import { posix } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { environmentFile } from './environment-file.ts'
import { isConfig } from './etcd-options.ts'
import type { Host } from './host.ts'
import { saidIn } from './launch.ts'
import type { Launch } from './launch.ts'
import { manifest, manifestsIn } from './manifests.ts'
import type { Manifests } from './manifests.ts'
import { documentsIn } from './pods.ts'
import { isUnit } from './unit-file.ts'
import { unitLaunch } from './unit-launch.ts'

/**
 * What a file that was named says: a manifest, a unit, etcd's configuration or a file of its variables, told apart by what is in it; or
 * a folder of manifests.
 * @throws KpipeError KPIPE_USAGE when it is nothing of these, or starts no etcd
 */
export async function namedPlace(host: Host, path: string): Promise<Manifests> {
  if (await host.isFolder(path)) return started(await manifestsIn(host, path), path)
  const read = await host.read(path)
  if (read.text === undefined) throw new KpipeError('KPIPE_USAGE', `${path} cannot be read (${read.code})`, { path })
  const only = (launch: Launch | undefined): Manifests => ({ launches: launch ? [launch] : [], apiServer: undefined, faults: [] })
  if (isUnit(read.text)) return started(only(await unitLaunch(host, { path, text: read.text })), `the unit ${path}`)
  const variables = environmentFile(read.text).filter(([name]) => /^ETCD(?:CTL)?_/.test(name))
  if (variables.length > 0) return only({ ...plainLaunch('unit', path), env: saidIn(path, variables) })
  let documents: unknown[]
  try {
    documents = documentsIn(read.text)
  } catch (error) {
    throw new KpipeError('KPIPE_USAGE', `${path} is no unit, and no YAML either: ${(error as Error).message}`, { path })
  }
  if (documents.some(isConfig)) return only({ ...plainLaunch('config', path), configFile: path })
  const found = await manifest(host, path)
  if (found.launches.length > 0 || found.apiServer === undefined) {
    const beside = found.launches.length > 0 ? await manifestsIn(host, posix.dirname(path)) : undefined
    return started({ ...found, apiServer: found.apiServer ?? beside?.apiServer }, path)
  }
  return found
}

/** One whose paths are those of the host. */
export function plainLaunch(kind: 'unit' | 'config' | 'environment', place: string): Launch {
  return { kind, place, args: [], env: new Map(), hostPath: (path) => path, folder: undefined, local: true, notes: [] }
}

function started(found: Manifests, what: string): Manifests {
  if (found.launches.length > 0) return found
  if (found.faults.length > 0) throw new KpipeError('KPIPE_USAGE', `this user cannot read ${found.faults.join(', ')}`)
  throw new KpipeError('KPIPE_USAGE', `${what} starts no etcd`)
}
