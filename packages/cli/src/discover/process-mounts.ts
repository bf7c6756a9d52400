import { posix } from 'node:path'
import { isWithin } from './host-paths.ts'
import type { Mount } from './host-paths.ts'

/** A line of /proc/<pid>/mountinfo; see `man proc_pid_mountinfo`. */
interface MountLine {
  readonly device: string
  /** What of the file system is mounted. */
  readonly root: string
  readonly point: string
}

/**
 * Which folders of a process in a container are folders of this host: those whose part of the same file system is mounted here, too.
 * @param own mountinfo of this process
 */
export function sharedMounts(theirs: string, own: string): Mount[] {
  const here = mountLines(own)
  return mountLines(theirs).map(({ device, root, point }) => ({ inside: point, outside: pathHere(here, device, root) }))
}

function pathHere(here: readonly MountLine[], device: string, root: string): string | undefined {
  const holding = here.filter((line) => line.device === device && isWithin(line.root, root))
  const [closest] = holding.toSorted((one, other) => other.root.length - one.root.length)
  return closest && posix.join(closest.point, posix.relative(closest.root, root))
}

function mountLines(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [, , device, root, point] = line.split(' ')
    if (device === undefined || root === undefined || point === undefined) return []
    return [{ device, root: unescaped(root), point: unescaped(point) }]
  })
}

/** Blanks and the like stand there as `\040`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_piece, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)))
}
