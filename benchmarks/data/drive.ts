import { etcdClient } from '../../scripts/etcd/keys.ts'
import type { Change } from './churn.ts'

const requestsAtOnce = 64
/** As many as etcd here takes into one commit; the rows are those of single requests, but for their revisions' second halves. */
const changesPerRequest = 4

/** Writes to one etcd as an apiserver does, many objects at once, and compacts one period behind. */
export function drive(clientUrl: string) {
  const client = etcdClient(clientUrl)
  let revision = '0'
  let changed = 0

  return {
    /** How many objects were written and removed so far. */
    get changed() {
      return changed
    },
    async apply(changes: Iterable<Change>): Promise<void> {
      const next = changes[Symbol.iterator]()
      let compactions = 0
      await Promise.all(
        Array.from({ length: requestsAtOnce }, async () => {
          for (let some = take(next); some.length > 0; some = take(next)) {
            compactions += some.filter((change) => 'compact' in change).length
            for (const changes of withDistinctKeys(some)) {
              changed += changes.size
              await client.kv.txn({ success: [...changes.values()] })
            }
          }
        }),
      )
      if (compactions > 0) await compact()
    },
    close: () => client.close(),
  }

  function take(next: Iterator<Change>): Change[] {
    const some: Change[] = []
    for (let step = next.next(); !step.done; step = next.next()) {
      some.push(step.value)
      if (some.length === changesPerRequest) break
    }
    return some
  }

  async function compact(): Promise<void> {
    const { header } = await client.kv.range({ key: Buffer.from('/registry/'), limit: 1, keys_only: true })
    if (revision !== '0') await client.kv.compact({ revision, physical: true })
    revision = header.revision
  }
}

type Operation = { readonly request_put: object } | { readonly request_delete_range: object }

/** A transaction writes no key twice. */
function withDistinctKeys(some: readonly Change[]): Map<string, Operation>[] {
  const groups: Map<string, Operation>[] = []
  for (const change of some) {
    if ('compact' in change) continue
    const key = 'put' in change ? change.put[0] : change.remove
    const bytes = Buffer.from(key)
    const operation = 'put' in change ? { request_put: { key: bytes, value: change.put[1] } } : { request_delete_range: { key: bytes } }
    const last = groups.at(-1)
    if (last === undefined || last.has(key)) groups.push(new Map([[key, operation]]))
    else last.set(key, operation)
  }
  return groups
}
