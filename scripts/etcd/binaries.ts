import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { loopbackEnv } from '../loopback-env.ts'
import { runTool } from './run-tool.ts'

/** The lines of etcd that kpipe is tested with. */
export type EtcdLine = '3.4' | '3.5' | '3.6' | '3.7'

export interface EtcdBinaries {
  /** As the server says it: `3.6.16`. */
  readonly version: string
  readonly etcd: string
  readonly etcdctl: string
  /** From 3.5 on; before, etcdctl does its work. */
  readonly etcdutl?: string
}

/** The programs of one folder. @throws Error naming the one that is missing, or the version that does not fit */
export async function binariesIn(folder: string, line: EtcdLine): Promise<EtcdBinaries> {
  const names = line === '3.4' ? (['etcd', 'etcdctl'] as const) : (['etcd', 'etcdctl', 'etcdutl'] as const)
  for (const name of names) {
    await access(join(folder, name), constants.X_OK).catch(() => {
      throw new Error(`${folder} has no ${name}`)
    })
  }
  return binariesAt(Object.fromEntries(names.map((name) => [name, join(folder, name)])), line)
}

/** The programs at these paths. @throws Error when one is missing or is not of the line */
export async function binariesAt(paths: { etcd?: string; etcdctl?: string; etcdutl?: string }, line: EtcdLine): Promise<EtcdBinaries> {
  const { etcd, etcdctl, etcdutl } = paths
  if (!etcd || !etcdctl || (!etcdutl && line !== '3.4')) {
    const missing = !etcd ? 'etcd' : !etcdctl ? 'etcdctl' : 'etcdutl'
    throw new Error(`there is no ${missing}`)
  }
  const version = await versionOf(etcd, ['--version'], line)
  await versionOf(etcdctl, ['version'], line)
  if (line === '3.4' || !etcdutl) return { version, etcd, etcdctl }
  await versionOf(etcdutl, ['version'], line)
  return { version, etcd, etcdctl, etcdutl }
}

async function versionOf(file: string, args: readonly string[], line: EtcdLine): Promise<string> {
  const version = /version:\s*v?(\d+\.\d+\.\S+)/i.exec(await runTool(file, args, { env: { ...loopbackEnv(), ETCDCTL_API: '3' } }))?.[1]
  if (!version?.startsWith(`${line}.`)) throw new Error(`${file} is ${version ?? 'of an unknown version'}`)
  return version
}
