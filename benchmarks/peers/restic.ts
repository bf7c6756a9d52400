import { basename, dirname, join } from 'node:path'
import type { Program } from './get-program.ts'
import type { Tool } from './tool.ts'

export function restic({ command, env, version }: Program): Tool {
  const at = (place: string, args: readonly string[], cwd = place) => ({
    command,
    args,
    cwd,
    env: {
      ...env,
      HOME: place,
      RESTIC_REPOSITORY: join(place, 'repository'),
      RESTIC_CACHE_DIR: join(place, 'cache'),
      RESTIC_PASSWORD: 'benchmark',
    },
  })
  return {
    name: 'restic',
    version,
    settings: 'defaults: compression auto (zstd), its cache on, a password (scrypt)',
    init: (place) => [at(place, ['init'])],
    backUp: (place, file) => at(place, ['backup', basename(file)], dirname(file)),
    restore: (place, _label, to) => at(place, ['restore', 'latest', '--target', to]),
    list: (place) => at(place, ['snapshots']),
    repository: (place) => join(place, 'repository'),
  }
}
