import type { BackupOutcome } from './run-backup.ts'

/** What a run has come to know, for its hooks and its metrics. Filled in as it goes. */
export interface RunFacts {
  /** Of the snapshot; undefined until the source has answered when nothing else says it. */
  name: string | undefined
  repositoryId: string | undefined
  /** Of the store. */
  location: string | undefined
  attempts: number
  outcome: BackupOutcome | undefined
  /** Why there is none. */
  failure: { readonly code: string; readonly exitCode: number; readonly message: string } | undefined
}

export function noFacts(name: string | undefined): RunFacts {
  return { name, repositoryId: undefined, location: undefined, attempts: 0, outcome: undefined, failure: undefined }
}
