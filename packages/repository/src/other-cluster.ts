import type { Snapshot } from './snapshot.ts'

/**
 * A sentence when the name stood for another cluster until this snapshot: it is stored, and said aloud.
 * @param snapshots oldest first
 */
export function otherCluster(snapshots: readonly Snapshot[], made: Snapshot): string[] {
  const now = made.facts['cluster_id']
  const named = snapshots.filter(({ id, name, facts }) => id !== made.id && name === made.name && typeof facts['cluster_id'] === 'string')
  const known = named.at(-1)?.facts['cluster_id']
  if (known === undefined || typeof now !== 'string' || known === now) return []
  return [`the name ${made.name} stood for cluster ${String(known)} until now; this snapshot is of cluster ${now}`]
}
