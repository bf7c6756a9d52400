import { etcdClient } from '../../scripts/etcd/keys.ts'
import type { Change } from './churn.ts'

const requestsAtOnce = 128

/** Writes to one etcd as an apiserver does: a request for each object, many under way at once, and compaction one period behind. */
export function drive(clientUrl: string) {
  const client = etcdClient(clientUrl)
  let revision = '0'
  let requests = 0

  return {
    get requests() {
      return requests
    },
    async apply(changes: Iterable<Change>): Promise<void> {
      const next = changes[Symbol.iterator]()
      let compactions = 0
      await Promise.all(
        Array.from({ length: requestsAtOnce }, async () => {
          for (let step = next.next(); !step.done; step = next.next()) {
            requests++
            if ('put' in step.value) await client.kv.put({ key: Buffer.from(step.value.put[0]), value: step.value.put[1] })
            else if ('remove' in step.value) await client.delete().key(step.value.remove)
            else compactions++
          }
        }),
      )
      if (compactions > 0) await compact()
    },
    close: () => client.close(),
  }

  async function compact(): Promise<void> {
    const { header } = await client.kv.range({ key: Buffer.from('/registry/'), limit: 1, keys_only: true })
    if (revision !== '0') await client.kv.compact({ revision, physical: true })
    revision = header.revision
  }
}
