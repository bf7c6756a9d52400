type Environment = Record<string, string | undefined>

const proxies = /^(https?|all|no|ftp|grpc)_proxy$|^NODE_USE_ENV_PROXY$/i

/** The environment for a process that talks to 127.0.0.1 only: without proxies, and without what would configure an etcd or its tools. */
export function loopbackEnv(environment: Environment = process.env): Environment {
  const kept = Object.entries(environment).filter(([name]) => !proxies.test(name) && !/^ETCD(CTL|UTL)?_/.test(name))
  return Object.fromEntries(kept)
}
