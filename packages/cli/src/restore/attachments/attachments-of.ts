import type { Fact } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'

/** A file that was stored with a snapshot. What its facts do not say is undefined. */
export interface Attachment {
  readonly name: string
  readonly bytes: number
  /** Permission bits. */
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** Milliseconds since 1970. */
  readonly mtime: number | undefined
}

/** In the order in which they were stored. */
export function attachmentsOf({ manifest, facts }: Pick<Snapshot, 'manifest' | 'facts'>): Attachment[] {
  const told = new Map(listOf(facts['attachments']).map((fact) => [fact['name'], fact]))
  return manifest.streams.slice(1).map(({ name, bytes }) => {
    const fact = told.get(name) ?? {}
    const number = (field: string): number | undefined => {
      const value = fact[field]
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
    }
    return { name, bytes, mode: number('mode'), uid: number('uid'), gid: number('gid'), mtime: number('mtime') }
  })
}

function listOf(fact: Fact | undefined): { readonly [name: string]: Fact }[] {
  const list: readonly Fact[] = Array.isArray(fact) ? fact : []
  return list.filter((each): each is { readonly [name: string]: Fact } => typeof each === 'object' && each !== null && !Array.isArray(each))
}
