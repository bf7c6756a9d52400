import { KpipeError } from '@kpipe/engine/contracts'
import { alwaysStaying, choose, isEmptyPolicy } from '@kpipe/repository'
import type { Choice, Policy, Repository, Snapshot } from '@kpipe/repository'
import { withHint } from '../failure.ts'

/**
 * What would stay and go: the named snapshots go, or those that no rule keeps. Only names that this is about are listed.
 * @throws KpipeError KPIPE_USAGE for no rule at all, for both ways at once, and for the newest of a name
 */
export function chooseSnapshots(
  repository: Repository,
  references: readonly string[],
  policy: Policy,
  name: string | undefined,
): Choice<Snapshot>[] {
  const empty = isEmptyPolicy(policy)
  if (references.length === 0 && empty) {
    const error = new KpipeError('KPIPE_USAGE', 'forget: neither a snapshot nor a rule such as --keep-daily 7 was given, so nothing goes')
    throw withHint(error, 'See `kpipe help forget`.')
  }
  if (references.length === 0) return choose(repository.snapshots(name === undefined ? {} : { name }), policy, new Date())
  if (!empty) throw new KpipeError('KPIPE_USAGE', 'forget: snapshots and --keep rules were both given, and only one of them can decide')
  return byName(repository, references, name)
}

function byName(repository: Repository, references: readonly string[], name: string | undefined): Choice<Snapshot>[] {
  const going = new Map(
    references.map((reference) => repository.find(reference, name === undefined ? {} : { name })).map((one) => [one.id, one]),
  )
  const names = new Set([...going.values()].map((snapshot) => snapshot.name))
  const listed = repository.snapshots().filter((snapshot) => names.has(snapshot.name))
  for (const group of Map.groupBy(listed, (snapshot) => snapshot.name).values()) {
    for (const { id, what } of alwaysStaying(group)) {
      const snapshot = going.get(id)
      if (snapshot === undefined) continue
      throw new KpipeError('KPIPE_USAGE', `snapshot ${snapshot.shortId} is ${what} of ${snapshot.name}, which always stays`, {
        snapshot: id,
      })
    }
  }
  return listed.map((snapshot) => ({ snapshot, reasons: going.has(snapshot.id) ? [] : ['not named'] }))
}
