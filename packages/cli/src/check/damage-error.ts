import { KpipeError } from '@kpipe/engine/contracts'
import type { Damage, Snapshot } from '@kpipe/repository'
import { withHint } from '../failure.ts'

/** How a check ends that found something. */
export function damageError(damages: readonly Damage[], all: readonly Snapshot[], location: string): KpipeError {
  const objects = [...new Set(damages.map(({ object }) => object))]
  const hurt = new Set(damages.flatMap(({ snapshots }) => snapshots))
  const count = `${objects.length} ${objects.length === 1 ? 'object' : 'objects'} of ${location}`
  const text = `damaged: ${count}; ${hurt.size} of ${all.length} snapshots need what is damaged`
  const error = new KpipeError('KPIPE_DAMAGED', text, { objects: objects.slice(0, 100), snapshots: [...hurt].slice(0, 100) })
  const newest = all.findLast(({ id }) => !hurt.has(id))
  const rest =
    newest === undefined
      ? 'no snapshot does without them'
      : `the newest snapshot that does without them is ${newest.shortId} of ${newest.name}`
  const ways = 'Bring the named objects back from a copy of the repository, or make a backup, which stores again what still exists'
  return withHint(error, `${ways}; what is lost stays so until its snapshots are forgotten; ${rest}.`)
}
