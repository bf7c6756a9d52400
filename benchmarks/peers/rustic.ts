import { basename, dirname, join } from 'node:path'
import type { Program } from './get-program.ts'
import type { Tool } from './tool.ts'

export function rustic({ command, env, version }: Program): Tool {
  const at = (place: string, args: readonly string[], cwd = place) => ({
    command,
    args,
    cwd,
    env: {
      ...env,
      HOME: place,
      XDG_CONFIG_HOME: join(place, 'config'),
      RUSTIC_REPOSITORY: join(place, 'repository'),
      RUSTIC_CACHE_DIR: join(place, 'cache'),
      RUSTIC_PASSWORD: 'benchmark',
    },
  })
  return {
    name: 'rustic',
    version,
    settings: 'defaults: zstd, its cache on, a password (scrypt)',
    init: (place) => [at(place, ['init'])],
    backUp: (place, file) => at(place, ['backup', basename(file)], dirname(file)),
    restore: (place, _label, to) => at(place, ['restore', 'latest', to]),
    list: (place) => at(place, ['snapshots']),
    repository: (place) => join(place, 'repository'),
  }
}
