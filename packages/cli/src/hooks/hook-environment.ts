import type { HookTime, Pipeline } from '@kpipe/engine'
import type { RunFacts } from '../backup/run-facts.ts'
import { visible } from '../output/visible.ts'
import type { Environment } from '../where/pipeline-file.ts'

/** Variables in which secrets stand; a command beside the backup needs none of them. */
const secrets = ['KPIPE_RECOVERY_PHRASE', 'KPIPE_KEY_FILE', 'KPIPE_PASSWORD', 'KPIPE_NEW_PASSWORD', 'ETCDCTL_PASSWORD', 'ETCDCTL_USER']

/** An error message may quote what it saw; a process takes 128 KiB in one variable. */
const maxMessageLength = 4096

/** The environment of a hook: ours without secrets, and what is known of the run. Unknown things have no variable. */
export function hookEnvironment(when: HookTime, pipeline: Pipeline, facts: RunFacts, env: Environment): Record<string, string> {
  const { source, store, file, secretVariables } = pipeline
  const { outcome, failure } = facts
  const path = store.settings['path']
  const known: Record<string, string | number | null | undefined> = {
    KPIPE_HOOK: when,
    KPIPE_PIPELINE: file,
    KPIPE_SOURCE: source.package,
    KPIPE_NAME: outcome?.snapshot.name ?? facts.name,
    KPIPE_REPOSITORY_ID: facts.repositoryId,
    KPIPE_STORE: facts.location ?? (typeof path === 'string' ? path : undefined),
    KPIPE_ATTEMPTS: facts.attempts > 0 ? facts.attempts : undefined,
    KPIPE_SNAPSHOT_ID: outcome?.snapshot.id,
    KPIPE_REVISION: outcome?.snapshot.revision,
    KPIPE_BYTES_READ: outcome?.report.bytes,
    KPIPE_BYTES_FRESH: outcome?.report.bytesFresh,
    KPIPE_BYTES_STORED: outcome?.bytesStored,
    KPIPE_HEAD: outcome?.head,
    KPIPE_ERROR_CODE: failure?.code,
    KPIPE_EXIT_CODE: failure?.exitCode,
    KPIPE_ERROR_MESSAGE: failure && visible(failure.message).slice(0, maxMessageLength),
  }
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    const kept = !secrets.includes(name) && !secretVariables.includes(name) && !Object.hasOwn(known, name)
    if (kept && value !== undefined) passed[name] = value
  }
  for (const [name, value] of Object.entries(known)) if (value !== undefined && value !== null) passed[name] = String(value)
  return passed
}
