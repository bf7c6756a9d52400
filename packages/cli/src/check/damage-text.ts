import type { Damage, Snapshot } from '@kpipe/repository'

const namedAtMost = 5

/** One line for each damage: object, what was seen, who needs it. */
export function damageText(damages: readonly Damage[], all: readonly Snapshot[]): string {
  const byId = new Map(all.map((snapshot) => [snapshot.id, snapshot]))
  return damages.map(({ object, problem, snapshots }) => `${object}: ${problem}${neededBy(snapshots, byId)}\n`).join('')
}

function neededBy(ids: readonly string[], byId: ReadonlyMap<string, Snapshot>): string {
  if (ids.length === 0) return ''
  const newestFirst = ids.toReversed()
  const shown = newestFirst.slice(0, namedAtMost).map((id) => {
    const snapshot = byId.get(id)
    return snapshot === undefined ? id.slice(0, 12) : `${snapshot.shortId} of ${snapshot.name}`
  })
  const more = ids.length > namedAtMost ? ` and ${ids.length - namedAtMost} older` : ''
  return `; needed by ${shown.join(', ')}${more}`
}
