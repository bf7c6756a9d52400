import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { command, edition, nodeFolder } from '../measure/kpipe.ts'
import type { Tool } from './tool.ts'

export function kpipe(version: string): Tool {
  const at = (place: string, ...args: readonly string[]) => ({
    command,
    args,
    cwd: place,
    env: { PATH: `${nodeFolder}${delimiter}${process.env['PATH']}`, XDG_STATE_HOME: join(place, 'state') },
  })
  return {
    name: 'kpipe',
    version,
    settings: `defaults (zstd 3), ${edition}, a key file`,
    init(place) {
      writePipeline(place, 'snapshot.db')
      return [at(place, 'init', '-c', 'backup.yaml', '--no-recovery-phrase')]
    },
    backUp(place, file) {
      writePipeline(place, file)
      return at(place, 'run', 'backup.yaml')
    },
    restore: (place, _label, to) => at(place, 'restore', 'latest', '-c', 'backup.yaml', '-to', join(to, 'snapshot.db')),
    list: (place) => at(place, 'snapshots', '-c', 'backup.yaml'),
    repository: (place) => join(place, 'repository'),
  }
}

/** JSON is YAML. */
function writePipeline(place: string, path: string): void {
  mkdirSync(place, { recursive: true })
  const store = { use: 'store-fs', with: { path: './repository' } }
  const pipeline = { name: 'bench', source: { use: 'file', with: { path } }, store, key: { file: './repository.key' } }
  writeFileSync(join(place, 'backup.yaml'), JSON.stringify(pipeline))
}
