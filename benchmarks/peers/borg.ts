import { basename, dirname, join } from 'node:path'
import type { Program } from './get-program.ts'
import type { Tool } from './tool.ts'

export function borg({ command, env, version }: Program): Tool {
  const at = (place: string, args: readonly string[], cwd = place) => ({
    command,
    args,
    cwd,
    env: {
      ...env,
      HOME: place,
      BORG_BASE_DIR: place,
      BORG_REPO: join(place, 'repository'),
      BORG_PASSPHRASE: 'benchmark',
    },
  })
  return {
    name: 'borg',
    version,
    settings: 'defaults, but `--compression zstd,3`; `repokey` with a passphrase (PBKDF2)',
    init: (place) => [at(place, ['init', '--encryption', 'repokey'])],
    backUp: (place, file, label) => at(place, ['create', '--compression', 'zstd,3', `::${label}`, basename(file)], dirname(file)),
    restore: (place, label, to) => at(place, ['extract', `::${label}`], to),
    list: (place) => at(place, ['list']),
    repository: (place) => join(place, 'repository'),
  }
}
