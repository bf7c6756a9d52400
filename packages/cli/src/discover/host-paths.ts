import { posix } from 'node:path'

/** A folder or file of a host that a container sees somewhere else. */
export interface Mount {
  /** As the container calls it. */
  readonly inside: string
  /** Undefined when it is of no use outside: a secret, a projected token, a volume of the cluster. */
  readonly outside: string | undefined
}

/** Path on the host of a path in a container, by the mount with the longest prefix. Undefined when it lies in none, or in none of the host. */
export function throughMounts(mounts: readonly Mount[], path: string): string | undefined {
  if (!posix.isAbsolute(path)) return undefined
  const wanted = posix.normalize(path)
  const [best] = mounts.filter(({ inside }) => isWithin(inside, wanted)).toSorted((one, other) => other.inside.length - one.inside.length)
  if (best?.outside === undefined) return undefined
  return posix.join(best.outside, posix.relative(best.inside, wanted))
}

export function isWithin(folder: string, path: string): boolean {
  const way = posix.relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith('../') && !posix.isAbsolute(way))
}
