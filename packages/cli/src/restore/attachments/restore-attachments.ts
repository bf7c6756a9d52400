import { resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'
import { withHint } from '../../failure.ts'
import { sizeText } from '../../output/size-text.ts'
import { durationText } from '../../output/time-text.ts'
import type { Terminal } from '../../terminal.ts'
import { threads } from '../../threads.ts'
import { locate, openLocated } from '../../where/open.ts'
import type { WhereFlags } from '../../where/open.ts'
import { tellRollback } from '../../where/rollback.ts'
import { demandDigest } from '../expected-digest.ts'
import { findSnapshot } from '../find-snapshot.ts'
import { suggesting } from '../instead.ts'
import type { RestoreRun } from '../run-restore.ts'
import type { AttachmentFlags } from './attachment-flags.ts'
import { attachmentsOf } from './attachments-of.ts'
import type { Attachment } from './attachments-of.ts'
import { makeFoldersFor, placeOf, refuseExisting } from './place-of.ts'
import { writeAttachment } from './write-attachment.ts'

export interface AttachmentRestore {
  readonly flags: AttachmentFlags &
    WhereFlags & { readonly 'snapshot-name'?: string | undefined; readonly 'expect-digest'?: string | undefined }
  readonly reference: string | undefined
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

interface Placed {
  readonly attachment: Attachment
  /** Absolute, or `-`. */
  readonly path: string
}

type Damaged = ReadonlyMap<Placed, KpipeError>

/** Writes back files that were stored with a snapshot. Resolves with the exit code. */
export async function restoreAttachments({ flags, reference, terminal, signal }: AttachmentRestore): Promise<number> {
  if (reference === undefined) throw new KpipeError('KPIPE_USAGE', 'restore: missing required arg snapshot')
  const workers = await threads()
  const where = await locate(flags)
  const repository = await openLocated(where, flags, { terminal, signal })
  const snapshot = findSnapshot(repository, reference, { use: 'file' }, flags)
  demandDigest(snapshot, flags['expect-digest'])
  const run = {
    repository,
    snapshot,
    workers,
    signal,
    stages: where.stages,
    pipeline: where.pipeline,
    overrides: where.overrides,
    onProgress: () => undefined,
    onRemark: (message: string) => terminal.warn(message),
  }
  const { attachments, attachment: name, to } = flags
  const folder = attachments === undefined ? undefined : resolve(attachments)
  const words = attachments === undefined ? ['--attachment', name!, '--to', to!] : ['--attachments', attachments]
  const placed = folder === undefined ? [placedAt(snapshot, name!, to!)] : await placedBelow(snapshot, folder)
  await suggesting(repository, snapshot, flags, words, async () => {
    const damaged = await writeAll(run, placed, folder)
    tell(terminal, { snapshot, head: repository.head, to: words.at(-1)!, placed, damaged })
    for (const [, error] of damaged) terminal.warn(error.message)
    if (damaged.size === 0) return
    const text = `${damaged.size} of the ${placed.length} attachments of snapshot ${snapshot.shortId} of ${snapshot.name} cannot be read`
    throw new KpipeError('KPIPE_DAMAGED', text, [...damaged.values()][0].details)
  })
  return tellRollback(repository, terminal)
}

interface Told {
  readonly snapshot: Snapshot
  readonly head: string
  readonly to: string
  readonly placed: readonly Placed[]
  readonly damaged: Damaged
}

function tell(terminal: Terminal, { snapshot, head, to, placed, damaged }: Told): void {
  const written = placed.filter((each) => !damaged.has(each))
  const bytes = written.reduce((sum, { attachment }) => sum + attachment.bytes, 0)
  const seconds = performance.now() / 1000
  const what = `${written.length} attached ${written.length === 1 ? 'file' : 'files'}, ${sizeText(bytes)}, written to ${to}`
  terminal.say(`snapshot ${snapshot.shortId} of ${snapshot.name}: ${what} in ${durationText(seconds)}`)
  if (!terminal.json) return
  terminal.line({
    message_type: 'summary',
    snapshot_id: snapshot.id,
    name: snapshot.name,
    to,
    attachments: placed.map((each) => ({
      name: each.attachment.name,
      path: each.path,
      bytes: each.attachment.bytes,
      written: !damaged.has(each),
    })),
    bytes_written: bytes,
    duration_ms: Math.round(seconds * 1000),
    head,
  })
}

function placedAt(snapshot: Snapshot, name: string, to: string): Placed {
  const all = attachmentsOf(snapshot)
  const attachment = all.find((each) => each.name === name.replace(/^\/+/, ''))
  if (attachment === undefined) {
    const text = `snapshot ${snapshot.shortId} of ${snapshot.name} has ${all.length} attachments, and none is ${name}`
    throw withHint(new KpipeError('KPIPE_USAGE', text, { snapshot: snapshot.id }), '`kpipe snapshots --json` lists their names.')
  }
  return { attachment, path: to === '-' ? '-' : resolve(to) }
}

/** Looks at all places before anything is written. */
async function placedBelow(snapshot: Snapshot, folder: string): Promise<Placed[]> {
  const placed = attachmentsOf(snapshot).map((attachment) => ({ attachment, path: placeOf(folder, attachment.name) }))
  if (placed.length === 0)
    throw new KpipeError('KPIPE_USAGE', `snapshot ${snapshot.shortId} of ${snapshot.name} has no attachments`, { snapshot: snapshot.id })
  for (const { path } of placed) await refuseExisting(path)
  return placed
}

/** One that is damaged does not keep the others from being written. Resolves with why some are not there. */
async function writeAll(run: Omit<RestoreRun, 'to' | 'stream'>, placed: readonly Placed[], folder: string | undefined): Promise<Damaged> {
  const damaged = new Map<Placed, KpipeError>()
  for (const each of placed) {
    run.signal.throwIfAborted()
    try {
      if (folder !== undefined) await makeFoldersFor(folder, each.path)
      for (const remark of await writeAttachment(run, each.attachment, each.path)) run.onRemark(remark)
    } catch (error) {
      if (!(error instanceof KpipeError) || error.exitCode !== 65) throw error
      const text = `attachment ${each.attachment.name}: ${error.message}`
      damaged.set(each, new KpipeError(error.code, text, error.details, { cause: error }))
    }
  }
  return damaged
}
