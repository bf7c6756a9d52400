import { randomBytes } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'

/**
 * Creates a small object, reads it, finds it in a list and removes it: all that a repository asks of a store. Its name has no
 * slash, so that no folder of it stays.
 * @throws KpipeError KPIPE_STORE_*
 */
export async function probeStore(store: Store): Promise<void> {
  const name = `tmp-probe-${randomBytes(8).toString('hex')}`
  const bytes = randomBytes(64)
  const demand = (holds: boolean, seen: string) => {
    if (!holds)
      throw new KpipeError('KPIPE_STORE_FAILED', `probe of ${store.location}: ${seen}`, { location: store.location, object: name })
  }
  try {
    demand((await store.create(name, [bytes])) === 'created', `a new name, ${name}, is said to exist`)
    const read = await store.read(name)
    demand(read !== undefined && bytes.equals(read), `${name} does not hold what was written to it`)
    const listed: string[] = []
    for await (const object of store.list(name)) if (object.bytes === bytes.length) listed.push(object.name)
    demand(listed.length === 1 && listed[0] === name, `${name} was created and is not listed`)
  } catch (error) {
    await store.remove(name).catch(() => undefined) // The fault before it is the one to tell.
    throw error
  }
  await store.remove(name)
  demand((await store.read(name)) === undefined, `${name} was removed and is still there`)
}
