import { BoltError } from './errors.ts'
import { headerBytes } from './page.ts'
import { elementLength, fillPage } from './page-image.ts'
import type { NewElement } from './page-image.ts'
import type { PageOutput } from './page-output.ts'

/** One level of a tree, filled from the left; the pages that it makes become the elements of the level above. */
export interface TreeMaker {
  /** Keys ascend. @throws BoltError order, page */
  add(element: NewElement): void
  /** All elements so far, when no page was made of them. */
  readonly elements: readonly NewElement[] | undefined
  /** Bytes of the one page that holds all elements so far, beyond any bound when there is more than one. */
  readonly bytes: number
  /** Writes what is left and returns the root page. */
  finish(): number
}

const nothing = new Uint8Array(0)
/** bbolt joins pages with fewer to their neighbours; it checks no other rule of filling. */
const fewestElements = 2
/** 0xffff of them mean something else on a freelist page; bbolt stays below it everywhere. */
const mostElements = 0xfffe

export function treeMaker(leaf: boolean, pageBytes: number, output: PageOutput): TreeMaker {
  /** A full page, held back until the one behind it has enough elements. */
  let full: NewElement[] | undefined
  let current: NewElement[] = []
  let bytes = headerBytes
  let above: TreeMaker | undefined
  let made = 0
  let root = 0
  let last: Uint8Array | undefined

  function put(elements: readonly NewElement[]): void {
    const length = elements.reduce((sum, element) => sum + elementLength(element), headerBytes)
    const { page, overflow, bytes: into } = output.put(length)
    fillPage(into, page, leaf, elements, overflow)
    made++
    root = page
    above ??= treeMaker(false, pageBytes, output)
    above.add({ key: elements[0]?.key ?? nothing, value: nothing, child: page, flags: 0 })
  }

  return {
    get elements() {
      return made === 0 && full === undefined ? current : undefined
    },
    get bytes() {
      return made === 0 && full === undefined ? bytes : Infinity
    },
    add(element) {
      const { key } = element
      if (leaf && key.length === 0) throw new BoltError('page', 'an element without a key')
      if (last !== undefined && Buffer.compare(last, key) >= 0) throw new BoltError('order', 'the keys to be written do not ascend')
      last = key
      const length = elementLength(element)
      if (current.length >= fewestElements && (bytes + length > pageBytes || current.length === mostElements)) {
        if (full !== undefined) put(full)
        full = current
        current = []
        bytes = headerBytes
      }
      current.push(element)
      bytes += length
    },
    finish() {
      if (full !== undefined) {
        if (current.length >= fewestElements) put(full)
        else if (full.length === fewestElements) current.unshift(...full)
        else {
          current.unshift(full.pop()!)
          put(full)
        }
      }
      put(current)
      return made === 1 ? root : above!.finish()
    },
  }
}
