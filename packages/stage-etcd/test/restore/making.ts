import type { Facts } from '@kpipe/engine/contracts'
import { openDataDir } from '../../src/restore/open-data-dir.ts'
import type { DataDirSettings } from '../../src/restore/data-dir-settings.ts'

export interface Made {
  readonly warnings: readonly string[]
  readonly facts: Facts
}

export const defaults = {
  name: 'default',
  initialClusterToken: 'etcd-cluster',
  initialAdvertisePeerUrls: 'http://localhost:2380',
}

/** Does with a target what the engine does: pieces out of order, read back, commit; abort when anything fails. */
export async function make(
  snapshot: Uint8Array,
  settings: Partial<DataDirSettings> & { readonly dataDir: string },
  { signal = new AbortController().signal, beforeCommit = () => {} } = {},
): Promise<Made> {
  const warnings: string[] = []
  let facts: Facts = {}
  const context = {
    signal,
    bytes: snapshot.length,
    warn: (message: string) => void warnings.push(message),
    made: (told: Facts) => void (facts = told),
  }
  const target = await openDataDir({ ...defaults, ...settings }, context)
  try {
    const middle = snapshot.length >> 1
    await target.write(middle, snapshot.subarray(middle))
    await target.write(0, snapshot.subarray(0, middle))
    const back = new Uint8Array(100)
    if ((await target.read(middle - 50, back)) !== 100 || Buffer.compare(back, snapshot.subarray(middle - 50, middle + 50)) !== 0)
      throw new Error('what is read back was not written')
    beforeCommit()
    await target.commit()
  } catch (error) {
    await target.abort()
    throw error
  }
  return { warnings, facts }
}
