import { resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { dataDirSettings, givenDataDirFlags } from './data-dir-flags.ts'
import type { DataDirFlags } from './data-dir-flags.ts'

/** Where a snapshot goes, as the user said it. */
export interface RestoreTarget {
  /** The stage that takes it. */
  readonly use: 'file' | 'etcd'
  readonly settings: Readonly<Record<string, unknown>>
  /** The path, as it was given. */
  readonly path: string
  /** The flags that say the same again. */
  readonly words: readonly string[]
}

export type TargetFlags = DataDirFlags & { readonly to?: string | undefined }

/** @throws KpipeError KPIPE_USAGE when flags contradict each other */
export function restoreTarget(flags: TargetFlags): RestoreTarget {
  const { to, 'data-dir': dataDir } = flags
  const given = givenDataDirFlags(flags)
  if (to !== undefined) {
    if (dataDir !== undefined) throw new KpipeError('KPIPE_USAGE', '--to and --data-dir were both given: a file or a data directory')
    if (given.length > 0) throw new KpipeError('KPIPE_USAGE', `--${given[0]} goes with --data-dir, not with --to`)
    return { use: 'file', settings: { path: to === '-' ? '-' : resolve(to) }, path: to, words: ['--to', to] }
  }
  if (dataDir === undefined) throw new KpipeError('KPIPE_USAGE', 'restore: missing required flag to, or data-dir')
  const words = ['data-dir', ...(flags.name === undefined ? [] : ['name']), ...given].flatMap((name) => {
    const value = flags[name as keyof TargetFlags]
    return typeof value === 'boolean' ? [`--${name}`] : [`--${name}`, String(value)]
  })
  return { use: 'etcd', settings: dataDirSettings({ ...flags, 'data-dir': dataDir }), path: dataDir, words }
}
