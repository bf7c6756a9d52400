import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { runTool } from '../../scripts/etcd/run-tool.ts'
import type { RunningEtcd } from './etcd.ts'

/** What etcd's own client says of a member, beside its keys. */
export interface MemberState {
  /** Id, TTL as granted, and keys of each lease. */
  readonly leases: readonly string[]
  readonly users: readonly string[]
  readonly roles: readonly string[]
}

export interface HashKvAnswer {
  readonly hash: number
  readonly compactRevision: number
  readonly revision: number
}

/** Etcd's own client. @param user as `name:password`, where authentication is on */
export function etcdctl(etcd: RunningEtcd, args: readonly string[], user?: string): Promise<string> {
  const as = user === undefined ? [] : ['--user', user]
  return runTool(etcd.binaries.etcdctl, ['--endpoints', etcd.clientUrl, ...as, ...args], { env: { ...loopbackEnv(), ETCDCTL_API: '3' } })
}

export async function memberState(etcd: RunningEtcd, user?: string): Promise<MemberState> {
  const lines = async (...args: string[]) => (await etcdctl(etcd, args, user)).split('\n').filter(Boolean)
  const each = async (names: readonly string[], ...words: string[]) =>
    Promise.all(names.map(async (name) => `${name}: ${(await lines(...words, name)).join(' | ')}`))
  const leases = (await lines('lease', 'list')).filter((line) => /^[0-9a-f]+$/.test(line)).toSorted()
  const told = await each(leases, 'lease', 'timetolive', '--keys')
  return {
    leases: told.map((line) => {
      const keys = /keys\(\[(.*)\]\)/.exec(line)?.[1]?.split(' ').toSorted().join(' ')
      return `${line.replace(/, remaining.*/, '')}: ${keys}`
    }),
    users: await each(await lines('user', 'list'), 'user', 'get'),
    roles: await each(await lines('role', 'list'), 'role', 'get'),
  }
}

export async function serverHashKv(etcd: RunningEtcd, user?: string): Promise<HashKvAnswer> {
  const text = await etcdctl(etcd, ['endpoint', 'hashkv', '-w', 'json'], user)
  const [{ HashKV: answer }] = JSON.parse(text) as [{ HashKV: { header: { revision: number }; hash: number; compact_revision?: number } }]
  return { hash: answer.hash, compactRevision: answer.compact_revision ?? -1, revision: answer.header.revision }
}
