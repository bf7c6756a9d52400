import type { StageKind } from '../contracts/index.ts'

/** Kinds of stages in a list, in the order in which they work. */
export const listedKinds = ['chunk', 'hash', 'inspect', 'codec'] as const
type ListedKind = (typeof listedKinds)[number]

export interface OrderProblem {
  /** Index in the list; undefined when the list as a whole is wrong. */
  readonly index: number | undefined
  readonly message: string
}

/** What is wrong with the order and the number of the stages of a list. */
export function orderProblems(kinds: readonly StageKind[], uses: readonly string[]): OrderProblem[] {
  const problems: OrderProblem[] = []
  for (const kind of ['chunk', 'hash'] as const) {
    if (!kinds.includes(kind)) problems.push({ index: undefined, message: `the list has no ${kind} stage` })
  }
  kinds.forEach((kind, index) => {
    const rank = listedKinds.indexOf(kind as ListedKind)
    if (kind !== 'codec' && kinds.indexOf(kind) < index) {
      problems.push({ index, message: `${uses[index]} is a second ${kind} stage, after ${uses[kinds.indexOf(kind)]}` })
      return
    }
    const late = kinds.findIndex((other, at) => at < index && listedKinds.indexOf(other as ListedKind) > rank)
    if (late >= 0) problems.push({ index, message: `${uses[index]} (${kind}) must stand before ${uses[late]} (${kinds[late]})` })
  })
  return problems
}
