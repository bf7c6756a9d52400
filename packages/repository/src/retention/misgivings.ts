import type { Candidate, Choice } from './choose.ts'

/**
 * Why a choice should not be acted on unasked, in sentences: more than half of a name's snapshots would go, or the newest
 * is so small beside the one before that it may be the broken one. Only names that would lose something count.
 * @param choices in log order
 */
export function misgivings(choices: readonly Choice[]): string[] {
  return [...Map.groupBy(choices, ({ snapshot }) => snapshot.name).entries()].flatMap(([name, group]) => {
    const going = group.filter(({ reasons }) => reasons.length === 0).length
    if (going === 0) return []
    const found: string[] = []
    if (going * 2 > group.length) found.push(`${going} of the ${group.length} snapshots of ${name} would go, more than half`)
    const [earlier, newest] = group.slice(-2).map(({ snapshot }) => snapshot) as [Candidate, Candidate | undefined]
    if (newest !== undefined && newest.bytes * 2 < earlier.bytes)
      found.push(`the newest snapshot of ${name} has ${newest.bytes} bytes, less than half of the ${earlier.bytes} of the one before`)
    return found
  })
}
