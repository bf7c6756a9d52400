import { KpipeError } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import { withHint } from '../failure.ts'
import { shellLine } from '../output/shell-words.ts'
import type { WhereFlags } from '../where/open.ts'

const placeFlags = ['config', 'store', 'key-file', 'recovery-phrase-file'] as const

/**
 * Runs `work`. When bytes of the snapshot are proven wrong, the hint names the newest snapshot of the same name whose objects are
 * all there, with the command that restores it; one that needs the damaged object is passed over.
 * @param target the flags that say where it goes
 * @param verb the command that is to be given with another snapshot
 */
export async function suggesting<Result>(
  repository: Repository,
  snapshot: Snapshot,
  flags: WhereFlags,
  target: readonly string[],
  work: () => Promise<Result>,
  verb: 'restore' | 'drill' = 'restore',
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KpipeError) || error.exitCode !== 65) throw error
    const { object, noted } = error.details
    throw withHint(
      error,
      await hint(repository, snapshot, flags, [verb, target], noted === true ? undefined : object).catch(() => noAdvice),
    )
  }
}

const noAdvice = 'Bring the named object back from a copy of the repository, or restore another snapshot.'

async function hint(
  repository: Repository,
  snapshot: Snapshot,
  flags: WhereFlags,
  [verb, target]: readonly [verb: string, target: readonly string[]],
  object: unknown,
): Promise<string> {
  const other = await repository.newestIntact(snapshot, typeof object === 'string' ? object : undefined)
  if (other === undefined)
    return `Bring the named object back from a copy of the repository: no other snapshot of ${snapshot.name} has all its objects.`
  const words = ['kpipe', verb, other.shortId, ...target]
  for (const flag of placeFlags) if (flags[flag] !== undefined) words.push(`--${flag}`, flags[flag])
  for (const stage of flags.stage ?? []) words.push('--stage', stage)
  const when = other.time.toISOString()
  return `The newest other snapshot of ${snapshot.name} whose objects are all there is of ${when}: \`${shellLine(words)}\`.`
}
