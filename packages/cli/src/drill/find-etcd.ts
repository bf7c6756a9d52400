import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Facts } from '@kpipe/engine/contracts'

export interface EtcdBinary {
  readonly path: string
  /** As `3.6.16`. */
  readonly version: string
}

/** The etcd to boot, or why there is none. */
export type EtcdChoice = EtcdBinary | { readonly why: string }

const versionTimeoutMs = 10_000
/** Lines that may be on PATH under names of their own. */
const namedLines = ['3.4', '3.5', '3.6', '3.7', '3.8']

/** The line of etcd that a snapshot is of, as `3.6`: the highest that its database names. Before 3.5 none is named. */
export function lineOfSnapshot({ storage_version: storage, cluster_version: cluster, term }: Facts): string {
  const lines = [storage, cluster].map((version) => lineOf(String(version ?? ''))).filter((line) => line !== undefined)
  return [typeof term === 'number' ? '3.5' : '3.4', ...lines].reduce((one, other) => (isBelow(one, other) ? other : one))
}

/**
 * The etcd that is named; else on PATH one of the snapshot's own line (`etcd-3.6`, `etcd`), else a newer one.
 * @throws KpipeError KPIPE_USAGE when the one that is named cannot be used
 */
export async function findEtcd(named: string | undefined, line: string, path: string | undefined): Promise<EtcdChoice> {
  if (named !== undefined) {
    const file = resolve(named)
    const version = await versionOf(file)
    if (version === undefined) throw new KpipeError('KPIPE_USAGE', `--etcd ${named} is no etcd that runs here`, { path: file })
    if (fits(version, line)) return { path: file, version }
    throw new KpipeError(
      'KPIPE_USAGE',
      `--etcd ${named} is etcd ${version}, and the snapshot is of ${line}: an older one cannot run on it`,
      {
        path: file,
      },
    )
  }
  const newer = namedLines.filter((other) => isBelow(line, other))
  const unfit: string[] = []
  let fallback: EtcdBinary | undefined
  for (const name of [`etcd-${line}`, 'etcd', ...newer.map((other) => `etcd-${other}`)]) {
    const file = await onPath(name, path)
    const version = file === undefined ? undefined : await versionOf(file)
    if (file === undefined || version === undefined) continue
    if (lineOf(version) === line) return { path: file, version }
    if (fits(version, line)) fallback ??= { path: file, version }
    else unfit.push(`${name} on PATH is ${version}`)
  }
  if (fallback !== undefined) return fallback
  return { why: unfit.length > 0 ? `${unfit.join(', ')}, and the snapshot is of ${line}` : `there is no etcd-${line} and no etcd on PATH` }
}

function fits(version: string, line: string): boolean {
  const own = lineOf(version)
  return own !== undefined && !isBelow(own, line)
}

function lineOf(version: string): string | undefined {
  return /^(\d+\.\d+)\.\d+/.exec(version)?.[1]
}

function isBelow(one: string, other: string): boolean {
  const [oneMajor = 0, oneMinor = 0] = one.split('.').map(Number)
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number)
  return oneMajor < otherMajor || (oneMajor === otherMajor && oneMinor < otherMinor)
}

async function onPath(name: string, path = ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = resolve(join(folder, name))
    if (await access(file, constants.X_OK).then(() => true, () => false)) return file // prettier-ignore
  }
  return undefined
}

/** What it says of itself; undefined when it says nothing of the kind. */
async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, ['--version'], { env: etcdEnvironment(), timeout: versionTimeoutMs })
    return /^etcd Version: (\d+\.\d+\.\d+\S*)/m.exec(stdout)?.[1]
  } catch {
    return undefined
  }
}

/** Nothing of the environment that would be taken for a flag: `ETCD_DATA_DIR` and its like. */
export function etcdEnvironment(): NodeJS.ProcessEnv {
  const { PATH, ETCD_UNSUPPORTED_ARCH: unsupported } = process.env
  return { ...(PATH !== undefined && { PATH }), ...(unsupported !== undefined && { ETCD_UNSUPPORTED_ARCH: unsupported }) }
}
