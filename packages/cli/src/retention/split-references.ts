import type { Repository } from '@kpipe/repository'

/** Those that begin the id of a snapshot whose manifest cannot be read, as whole ids, and all others. */
export function splitReferences(
  { unreadable }: Pick<Repository, 'unreadable'>,
  references: readonly string[],
): { readonly readable: readonly string[]; readonly unreadable: readonly string[] } {
  const idOf = (reference: string): string | undefined => {
    const found = unreadable.filter((id) => reference.length >= 4 && id.startsWith(reference.toLowerCase()))
    return found.length === 1 ? found[0] : undefined
  }
  return {
    readable: references.filter((reference) => idOf(reference) === undefined),
    unreadable: references.map(idOf).filter((id) => id !== undefined),
  }
}
