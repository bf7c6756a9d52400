import { randomBytes } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'

const racers = 8

/**
 * Asks of a store all that a repository will, with one small object: created by exactly one of several that want the name, read whole
 * and in part, listed, not replaced by another one, and removed. Its name has no slash, so that no folder of it stays.
 * @throws KpipeError KPIPE_STORE_*; KPIPE_STORE_UNSUITABLE when it does not what a store must
 */
export async function probeStore(store: Store): Promise<void> {
  const name = `tmp-probe-${randomBytes(8).toString('hex')}`
  try {
    await probe(store, name)
  } catch (error) {
    await store.remove(name).catch(() => undefined) // The fault before it is the one to tell.
    throw error
  }
  await store.remove(name)
  demand(store, name, (await store.read(name)) === undefined, `${name} was removed and is still there`)
}

async function probe(store: Store, name: string): Promise<void> {
  const contents = Array.from({ length: racers }, () => randomBytes(64))
  // All are waited for, also when one fails: a process that ends meanwhile would leave their drafts.
  const answers = await Promise.allSettled(contents.map((content) => store.create(name, [content])))
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  const winners = contents.filter((_, racer) => (answers[racer] as PromiseFulfilledResult<string>).value === 'created')
  if (winners.length === 0) demand(store, name, false, `a new name, ${name}, is said to exist`)
  const many = `of ${racers} that create ${name} at once, ${winners.length} are told that it is theirs, so two backups could take one place`
  demand(store, name, winners.length === 1, many)
  const [bytes] = winners
  const holds = async () => {
    const read = await store.read(name)
    return read !== undefined && bytes.equals(read)
  }
  demand(store, name, await holds(), `${name} does not hold what was written to it`)
  const part = await store.read(name, { offset: 60, length: 8 })
  demand(store, name, part !== undefined && bytes.subarray(60).equals(part), `${name} is not read in part as it is in whole`)
  const listed: string[] = []
  for await (const object of store.list(name)) if (object.bytes === bytes.length) listed.push(object.name)
  demand(store, name, listed.length === 1 && listed[0] === name, `${name} was created and is not listed`)
  const other = await store.create(name, [randomBytes(64)])
  demand(store, name, other === 'exists' && (await holds()), `${name} was created twice, so the store replaces what it holds`)
  demand(store, name, (await store.create(name, [bytes])) === 'created', `${name} with the bytes that it has is said to be another object`)
}

function demand(store: Store, object: string, holds: boolean, seen: string): void {
  const { location } = store
  if (!holds) throw new KpipeError('KPIPE_STORE_UNSUITABLE', `probe of ${location}: ${seen}`, { location, object })
}
