import { mostBytes } from './fast-look.ts'
import { lookAreas } from './look-format.ts'
import type { LookAreas } from './look-format.ts'

/** A look at the same pages of an earlier database. */
export interface EarlierLook {
  /** Made with an equal plan. What is no whole look at the same pages is not used. */
  readonly look: Uint8Array
  /** For each page of the segment 1 when its bytes are the same as then, else 0. */
  readonly same: Uint8Array
}

/** One that fits the segment, and where its areas lie in it. */
export interface FittingLook extends EarlierLook {
  readonly areas: LookAreas
}

/** Undefined when it is no look at these pages, or longer than any that was made in this way. */
export function fitting({ look, same }: EarlierLook, firstPage: number, pages: number): FittingLook | undefined {
  const areas = look.length <= mostBytes ? lookAreas(look) : undefined
  return areas?.firstPage === firstPage && areas.pages === pages && same.length >= pages ? { look, same, areas } : undefined
}
