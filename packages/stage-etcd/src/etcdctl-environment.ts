import type { SettingFromEnvironment } from '@kpipe/engine/contracts'
import { parseEndpoint } from './endpoint.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the variables of etcdctl say of what the pipeline file leaves out. They never add to what it says: no endpoints beside its
 * location, no TLS to endpoints without, no user of theirs with a password of its own.
 */
export function etcdctlEnvironment(given: Readonly<Record<string, unknown>>, env: Environment): Record<string, SettingFromEnvironment> {
  const filled: Record<string, SettingFromEnvironment> = {}
  // A stopped member is not called.
  if (given['dataDir'] !== undefined) return filled
  const fill = (setting: string, variable: string, value: unknown) => {
    if (given[setting] === undefined) filled[setting] = { value, variable }
  }
  const endpoints = listIn(env['ETCDCTL_ENDPOINTS'])
  if (given['location'] === undefined && endpoints.length > 0) fill('endpoints', 'ETCDCTL_ENDPOINTS', endpoints)
  if (mayHaveTls({ ...given, endpoints: filled['endpoints']?.value ?? given['endpoints'] })) {
    const files = { cacert: env['ETCDCTL_CACERT'], cert: env['ETCDCTL_CERT'], key: env['ETCDCTL_KEY'] }
    if (files.cacert) fill('cacert', 'ETCDCTL_CACERT', files.cacert)
    // A pair, or nothing: one half without the other is an error.
    if ((given['key'] ?? files.key) && files.cert) fill('cert', 'ETCDCTL_CERT', files.cert)
    if ((given['cert'] ?? files.cert) && files.key) fill('key', 'ETCDCTL_KEY', files.key)
  }
  fillUser(given, env, fill)
  return filled
}

/** `ETCDCTL_USER` is a name, or a name and a password with a colon between them; then `ETCDCTL_PASSWORD` is not needed. */
function fillUser(
  given: Readonly<Record<string, unknown>>,
  env: Environment,
  fill: (setting: string, variable: string, value: string) => void,
) {
  const [, name = '', , inUser] = /^([^:]*)(:(.*))?$/s.exec(env['ETCDCTL_USER'] ?? '') ?? []
  const [password, variable] = env['ETCDCTL_PASSWORD'] ? [env['ETCDCTL_PASSWORD'], 'ETCDCTL_PASSWORD'] : [inUser, 'ETCDCTL_USER']
  if (given['username'] === undefined) {
    if (name === '' || (given['password'] ?? password) === undefined) return
    fill('username', 'ETCDCTL_USER', name)
  } else if (name !== '' && name !== given['username']) return
  if (password) fill('password', variable, password)
}

/** An address that cannot be read has TLS or not: what is wrong with it is told where it is called. */
function mayHaveTls({ location, endpoints }: Readonly<Record<string, unknown>>): boolean {
  const texts = Array.isArray(endpoints) && endpoints.length > 0 ? endpoints : [location]
  return texts.some((text) => {
    try {
      return parseEndpoint(String(text), true).tls
    } catch {
      return true
    }
  })
}

function listIn(text = ''): string[] {
  const items = text.split(',').map((item) => item.trim())
  return items.filter((item) => item !== '')
}
