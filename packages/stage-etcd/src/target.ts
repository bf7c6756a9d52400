import type { TargetStage } from '@kpipe/engine/contracts'
import { dataDirSchema } from './restore/data-dir-settings.ts'
import type { DataDirSettings } from './restore/data-dir-settings.ts'

/** A data directory that etcd 3.4 to 3.7 boots from. */
export const target: TargetStage<DataDirSettings> = {
  kind: 'target',
  summary: 'makes a data directory of a snapshot, as `etcdutl snapshot restore` does',
  settings: dataDirSchema,

  async open(settings, context) {
    const { openDataDir } = await import('./restore/open-data-dir.ts')
    return openDataDir(settings, context)
  },
}
