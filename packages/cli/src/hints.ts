import type { ErrorDetails, KpipeErrorCode } from '@kpipe/engine/contracts'

/** What to do next, one sentence for each error code. */
const hints: Record<KpipeErrorCode, string> = {
  KPIPE_INTERNAL: 'This is a fault of kpipe itself: run it again with -vv and report what it prints.',
  KPIPE_ATTENTION: 'The work is done; look at what the message names.',
  KPIPE_NO_REPOSITORY: 'Create it with `kpipe init`, or check the path of the store.',
  KPIPE_APPEND_LOST: 'Other writers were faster many times in a row: run it again.',
  KPIPE_KEY_MISSING:
    'Give the key with --key-file, the recovery phrase with --recovery-phrase-file or KPIPE_RECOVERY_PHRASE, or a password with --password-file.',
  KPIPE_KEY_UNREADABLE: 'Run kpipe as the user that owns the key file, or correct its permissions.',
  KPIPE_KEY_MALFORMED: 'Compare the key or phrase with the copy that is kept elsewhere: it was cut short or mistyped.',
  KPIPE_KEY_WRONG: 'Use the key file or recovery phrase that was made when this repository was created, or a key that was added since.',
  KPIPE_USAGE: 'See `kpipe help`.',
  KPIPE_UNKNOWN_SNAPSHOT: 'List what is there with `kpipe snapshots`.',
  KPIPE_AMBIGUOUS_SNAPSHOT: 'Give more digits of the id, or choose with --name; `kpipe snapshots` lists them.',
  KPIPE_TARGET_EXISTS: 'Choose a path that does not exist yet; kpipe overwrites nothing.',
  KPIPE_REPOSITORY_EXISTS: 'Nothing was changed: use it as it is, or choose another path for a new one.',
  KPIPE_TRAILER_MISMATCH: 'Nothing was published: run it again; if it happens again, take the snapshot from another member.',
  KPIPE_SIZE_MISMATCH: 'Nothing was published: run it again; if it happens again, take the snapshot from another member.',
  KPIPE_DIGEST_MISMATCH: 'Restore another snapshot of the same name; `kpipe snapshots` lists them.',
  KPIPE_DAMAGED: 'Restore another snapshot, or bring the named object back from a copy of the repository.',
  KPIPE_OBJECT_MISSING: 'Bring the named object back from a copy of the repository, or restore another snapshot.',
  KPIPE_BOLT_INVALID: 'The bytes are no consistent etcd database: take the snapshot from another member.',
  KPIPE_ROLLBACK: 'Find out who put an older copy in place; nothing is written to it until then.',
  KPIPE_SOURCE_UNREACHABLE: 'Check that etcd runs there and that address, port and firewall are right.',
  KPIPE_SOURCE_PROTOCOL: 'Check that the address is the client port of an etcd, and whether it wants TLS.',
  KPIPE_SOURCE_REFUSED: 'Check user, password or certificate, and what the etcd log says.',
  KPIPE_SOURCE_DIED: 'Nothing was published: check that etcd is up and run it again.',
  KPIPE_SOURCE_STALLED: 'Nothing was published: look at the load of etcd and of the network, then run it again.',
  KPIPE_SOURCE_CORRUPT:
    'Nothing was published: find out with `etcdctl alarm list` and HashKV which member is right; --member takes a snapshot of one all the same.',
  KPIPE_EVIDENCE_MISSING:
    'Nothing was published: find out which member is right, with HashKV of each; or set evidence of the source to asked, to store it marked as disputed.',
  KPIPE_STORE_FULL: 'Make room where the repository is, then run it again; nothing half is left in it.',
  KPIPE_STORE_FORBIDDEN: 'Run kpipe as a user that may read and write the store, or correct its permissions.',
  KPIPE_STORE_FAILED: 'Check the disk or file system of the store, then run it again.',
  KPIPE_STORE_STALLED: 'Check the disk or network of the store, then run it again.',
  KPIPE_STORE_UNSUITABLE:
    'Put the repository on a file system with hard links, such as ext4 or XFS, or into a store that creates each object once.',
  KPIPE_TARGET_FAILED: 'Check space and permissions where the restored file goes, then run it again.',
  KPIPE_HELD_TOO_LONG: 'The store is too slow for a database of this size: check it, then run it again.',
  KPIPE_HOOK_FAILED: 'No backup was made: see what the command said, or set its onFailure to warn in the pipeline file.',
  KPIPE_PIPELINE_MISSING:
    'Name the pipeline file with -c FILE, or the repository with --store PATH; `kpipe discover` writes a pipeline file.',
  KPIPE_PIPELINE_INVALID: 'Correct the pipeline file at the place that is named.',
  KPIPE_STAGE_MISSING: 'Install the package that is named, or say where it is with --stage name=path.',
  KPIPE_STAGE_INVALID: 'Ask the author of the stage: its module is not what kpipe expects.',
  KPIPE_STAGE_FAILED: 'Check the settings of the stage in the pipeline file; with -vv the cause is shown.',
  KPIPE_FORMAT_UNSUPPORTED: 'Use a version of kpipe that knows this format.',
  KPIPE_INTERRUPTED: 'Nothing half is left behind: run it again when it suits.',
}

export function hintFor(code: KpipeErrorCode, details: ErrorDetails = {}): string {
  if (code === 'KPIPE_PIPELINE_INVALID' && typeof details['unquoted'] === 'string') return `Put it in quotes: "${details['unquoted']}".`
  const { data_dir: dataDir, path } = details
  if (code === 'KPIPE_SOURCE_REFUSED' && dataDir !== undefined)
    return 'Stop the etcd of this data directory, or give its endpoints instead of dataDir.'
  if (code === 'KPIPE_TARGET_FAILED' && dataDir !== undefined)
    return 'Stop the etcd of this data directory, and run it again; nothing was moved. A static pod stops when its manifest is moved away.'
  if (code === 'KPIPE_TARGET_EXISTS' && details['made_before'] === true)
    return 'If this restore was done here before, nothing is left to do but to start etcd; else give another --initial-cluster-token.'
  if (code === 'KPIPE_DIGEST_MISMATCH' && details['expected'] !== undefined)
    return 'This is not the snapshot that was meant: compare its id with that of the plan. Nothing was read.'
  if (code === 'KPIPE_SOURCE_UNREACHABLE' && (dataDir ?? path) !== undefined) return 'Check the path and its permissions.'
  const { object } = details
  if (code === 'KPIPE_DAMAGED' && typeof object === 'string' && object.startsWith('log/'))
    return 'Bring the named entry back from a copy of the repository, or look at what `kpipe repair` would do.'
  return hints[code]
}
