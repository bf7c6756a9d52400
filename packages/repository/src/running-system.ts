import { readFileSync, readlinkSync } from 'node:fs'

/**
 * The running system and its space of process numbers: where it is equal, a process id means the same process or none. A container
 * of the same machine has the same boot id, but numbers of its own. Empty where the system does not tell.
 */
export function runningSystem(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return '' // Not Linux: a dead writer of this host is then ended by its age alone.
  }
}

/** Whether a process of this system lives. Its number may by now be another one's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH' // EPERM: it lives, and is somebody else's.
  }
}
