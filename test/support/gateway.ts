import type { RunningEtcd } from './etcd.ts'
import { serverHashKv, type HashKvAnswer } from './member-state.ts'

/** All that a server says of what it holds; 64-bit numbers are decimal text, bytes base64. Equal content of two servers is equal here. */
export interface ServerContent {
  /** Keys as etcd has them, with value, revisions, version and lease. */
  readonly keys: readonly unknown[]
  /** Id, TTL as granted, and keys of each lease. */
  readonly leases: readonly Lease[]
  readonly users: Readonly<Record<string, readonly string[]>>
  readonly roles: Readonly<Record<string, readonly unknown[]>>
  readonly hashKv: HashKvAnswer
}

interface Lease {
  readonly id: string
  readonly grantedTtl: string
  readonly keys: readonly string[]
}

export interface EtcdUser {
  readonly name: string
  readonly password: string
}

/** Asks over HTTP and JSON, which etcd serves on its plain port: a question costs no process. @param user of the role root, where authentication is on */
export async function serverContent(etcd: RunningEtcd, user?: EtcdUser): Promise<ServerContent> {
  const token = user && (await tokenOf(etcd, user))
  const asked = <Fields extends object>(path: string, question: object = {}) => ask<Fields>(etcd, path, question, token)
  const [{ kvs = [] }, { leases = [] }, { users = [] }, { roles = [] }, hashKv] = await Promise.all([
    asked<{ kvs: readonly unknown[] }>('kv/range', { key: 'AA==', range_end: 'AA==' }),
    asked<{ leases: readonly { readonly ID: string }[] }>('lease/leases'),
    asked<{ users: readonly string[] }>('auth/user/list'),
    asked<{ roles: readonly string[] }>('auth/role/list'),
    serverHashKv(etcd, user && `${user.name}:${user.password}`), // not served here before 3.6
  ])
  const lease = async (id: string): Promise<Lease> => {
    const { grantedTTL = '', keys = [] } = await asked<{ grantedTTL: string; keys: readonly string[] }>('lease/timetolive', {
      ID: id,
      keys: true,
    })
    return { id, grantedTtl: grantedTTL, keys: keys.toSorted() }
  }
  const rolesOf = async (name: string) => [name, (await asked<{ roles: string[] }>('auth/user/get', { name })).roles ?? []] as const
  const rightsOf = async (role: string) => [role, (await asked<{ perm: unknown[] }>('auth/role/get', { role })).perm ?? []] as const
  return {
    keys: kvs,
    leases: await Promise.all(
      leases
        .map(({ ID }) => ID)
        .toSorted()
        .map(lease),
    ),
    users: Object.fromEntries(await Promise.all(users.toSorted().map(rolesOf))),
    roles: Object.fromEntries(await Promise.all(roles.toSorted().map(rightsOf))),
    hashKv,
  }
}

/** @throws Error when the server does not take the password */
export async function tokenOf(etcd: RunningEtcd, { name, password }: EtcdUser): Promise<string> {
  const { token = '' } = await ask<{ token: string }>(etcd, 'auth/authenticate', { name, password })
  return token
}

/** etcd leaves out fields that are zero or empty. */
async function ask<Fields extends object>(etcd: RunningEtcd, path: string, question: object, token?: string): Promise<Partial<Fields>> {
  const headers = { connection: 'close', ...(token !== undefined && { authorization: token }) }
  const response = await fetch(`${etcd.clientUrl}/v3/${path}`, { method: 'POST', body: JSON.stringify(question), headers })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
  return JSON.parse(text) as Partial<Fields>
}
