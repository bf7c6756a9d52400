import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Process ids of those whose environment has this `NAME=value`: children inherit it, so it finds whatever a process has left behind. */
export async function processesWith(variable: string): Promise<number[]> {
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '') // gone meanwhile, or somebody else's
    const state = await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '')
    const isZombie = /\) Z /.test(state)
    if (!isZombie && environment.split('\0').includes(variable)) found.push(Number(entry))
  }
  return found
}

/** Waits until `condition` holds. @throws Error naming `what` after the time limit */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeLimitMs = 30_000): Promise<void> {
  const giveUp = Date.now() + timeLimitMs
  while (!(await condition())) {
    if (Date.now() > giveUp) throw new Error(`${what}: not within ${timeLimitMs} ms`)
    await delay(20)
  }
}
