import { loopbackEnv } from '../loopback-env.ts'
import { runTool } from './run-tool.ts'
import type { RunningEtcd } from './start-etcd.ts'

/** The user that may do everything, for tests. */
export const rootUser = { name: 'root', password: 'root-5d1c' } as const

/** What a user gets: a password, or none and then only a certificate; and the role root or a role that may nothing. */
export interface TestUser {
  readonly password?: string
  readonly root?: boolean
}

/** Makes the users, root among them, and switches authentication on. */
export async function enableAuth(etcd: RunningEtcd, users: Readonly<Record<string, TestUser>> = {}): Promise<void> {
  const run = (...args: string[]) => etcdctl(etcd, args)
  await run('role', 'add', 'nothing')
  for (const [name, { password, root }] of Object.entries({ ...users, [rootUser.name]: { password: rootUser.password, root: true } })) {
    await run('user', 'add', ...(password === undefined ? [name, '--no-password'] : [`${name}:${password}`]))
    await run('user', 'grant-role', name, root ? 'root' : 'nothing')
  }
  await run('auth', 'enable')
}

/** Etcd's own client as root, over the port without TLS. */
export function etcdctlAsRoot(etcd: RunningEtcd, ...args: string[]): Promise<string> {
  return etcdctl(etcd, ['--user', `${rootUser.name}:${rootUser.password}`, ...args])
}

function etcdctl(etcd: RunningEtcd, args: readonly string[]): Promise<string> {
  return runTool(etcd.binaries.etcdctl, ['--endpoints', etcd.clientUrl, ...args], { env: { ...loopbackEnv(), ETCDCTL_API: '3' } })
}
