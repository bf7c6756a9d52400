import { readKeyValue, readRevision, walk } from '@kpipe/bolt'
import type { Bolt } from '@kpipe/bolt'
import type { KnownRow } from '../check/lost-keys.ts'
import { keyText, revisionText } from '../check/lost-keys.ts'

/**
 * - `missing`: it had a value and is not there
 * - `older`: what is there is an older version
 * - `back`: it was deleted and is there again
 * - `history`: its newest version is there, older ones are not
 */
export type KeyState = 'missing' | 'older' | 'back' | 'history'

/** A key of which rows are lost. */
export interface LostKey {
  readonly key: string
  readonly state: KeyState
  /** In the order of their revisions. */
  readonly lost: readonly KnownRow[]
  /** Revision of its newest row that is left, and not that of a deletion. */
  readonly left: string | undefined
}

interface LeftRow {
  readonly revision: string
  readonly main: number
  readonly sub: number
  readonly deleted: boolean
}

/** What became of the keys of these rows, none of which is in the database. In the order of their names. */
export async function keyStates(lost: readonly KnownRow[], bolt: Bolt): Promise<LostKey[]> {
  const byKey = Map.groupBy(lost, ({ key }) => key)
  const newest = new Map<string, LeftRow>()
  if (byKey.size > 0) {
    for await (const { path, key: row, value } of walk(bolt, 'key')) {
      const revision = path.length === 1 ? readRevision(row) : undefined
      if (revision === undefined || value === undefined) continue
      const key = keyText(readKeyValue(value).key)
      const { main, sub, tombstone: deleted } = revision
      if (byKey.has(key)) newest.set(key, { revision: revisionText(revision), main, sub, deleted })
    }
  }
  const names = [...byKey.keys()].toSorted((one, other) => (one < other ? -1 : 1))
  return names.map((key) => {
    const left = newest.get(key)
    const rows = byKey.get(key)!
    return { key, state: stateOf(rows.at(-1)!, left), lost: rows, left: left === undefined || left.deleted ? undefined : left.revision }
  })
}

function stateOf({ revision, deleted }: KnownRow, left: LeftRow | undefined): KeyState {
  const [main = 0, sub = 0] = revision.split('/').map(Number)
  const isNewer = left !== undefined && (left.main - main || left.sub - sub) > 0
  const wasThere = isNewer ? !left.deleted : !deleted
  const isThere = left !== undefined && !left.deleted
  if (isNewer || (!wasThere && !isThere)) return 'history'
  if (!isThere) return 'missing'
  return wasThere ? 'older' : 'back'
}
