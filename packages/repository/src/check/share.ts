import type { PackRecord } from '../log/state.ts'

/** Of all that could be read: a share of its bytes, or a number of bytes. */
export type ReadShare = { readonly kind: 'share'; readonly share: number } | { readonly kind: 'bytes'; readonly bytes: number }

export const wholeShare: ReadShare = { kind: 'share', share: 1 }

const units: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** `5%`, `1/7`, `500M` (K, M, G, T: powers of 1,024); undefined for anything else, and for nothing. */
export function parseReadShare(text: string): ReadShare | undefined {
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text)
  if (percent !== null) return shareOf(Number(percent[1]) / 100)
  const part = /^(\d{1,6})\/(\d{1,6})$/.exec(text)
  if (part !== null) return shareOf(Number(part[1]) / Number(part[2]))
  const size = /^(\d{1,9})([KMGT])$/.exec(text)
  return size === null || Number(size[1]) === 0 ? undefined : { kind: 'bytes', bytes: Number(size[1]) * units[size[2]] }
}

function shareOf(share: number): ReadShare | undefined {
  return share > 0 && share <= 1 ? { kind: 'share', share } : undefined
}

/**
 * As many packs as hold that share, at least one: those first that were never read, then those whose last check is oldest. So n
 * checks of a share of 1/n read everything.
 * @param checked pack number to the log entry of its last check
 */
export function packsToRead<Of extends { readonly pack: PackRecord }>(
  present: readonly Of[],
  checked: ReadonlyMap<number, number>,
  share: ReadShare,
): Of[] {
  const lastCheck = ({ pack }: Of): number => checked.get(pack.number) ?? -1
  const order = present.toSorted((one, other) => lastCheck(one) - lastCheck(other) || one.pack.number - other.pack.number)
  const total = order.reduce((sum, { pack }) => sum + pack.bytes, 0)
  let left = share.kind === 'bytes' ? share.bytes : total * share.share
  return order.filter(({ pack }) => {
    const wanted = left > 0
    left -= pack.bytes
    return wanted
  })
}
