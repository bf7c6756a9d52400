import { noise } from '../test/made-repository.ts'

/** How a database file changes between two backups. */
export const changes = ['unchanged', 'pages written', 'grown', 'shrunk', 'defragmented'] as const
export type Change = (typeof changes)[number]

/** A file of pages that changes as databases do. */
export interface PageFile {
  readonly bytes: Buffer
  change(kind: Change): void
}

/**
 * @param most pages that it grows to
 * @param ragged whether it ends with a part of a page
 */
export function pageFile(pageBytes: number, most: number, name: string, ragged: boolean, dice: () => number): PageFile {
  let writes = 0
  const written = (): Buffer => noise(pageBytes, `${name} ${writes++}`)
  const upTo = (count: number): number => Math.floor(dice() * count)
  let pages = Array.from({ length: 1 + upTo(most) }, written)
  // Pages without a row are all alike.
  const empty = Buffer.alloc(pageBytes)
  return {
    get bytes() {
      const whole = Buffer.concat(pages)
      return ragged ? whole.subarray(0, whole.length - (whole.length > pageBytes ? 32 : 0)) : whole
    },
    change(kind) {
      if (kind === 'pages written') {
        for (let left = 1 + upTo(pages.length / 2); left > 0; left--) pages[upTo(pages.length)] = dice() < 0.2 ? empty : written()
      } else if (kind === 'grown') {
        for (let left = 1 + upTo(most / 4); left > 0 && pages.length < most; left--) pages.push(dice() < 0.3 ? empty : written())
      } else if (kind === 'shrunk') pages = pages.slice(0, Math.max(1, pages.length - 1 - upTo(most / 4)))
      else if (kind === 'defragmented') {
        // Live pages move together, in another order; what was free is gone.
        const live = pages.filter((page) => page !== empty && dice() < 0.9)
        pages = [...live.slice(live.length / 2), ...live.slice(0, live.length / 2), written()]
      }
    },
  }
}
