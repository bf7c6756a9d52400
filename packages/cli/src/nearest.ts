import { distance } from 'fastest-levenshtein'

/** The name that was probably meant: the closest one, when no more than a third of it differs. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Infinity
  for (const name of names) {
    const steps = distance(word, name)
    if (steps < bestDistance) [best, bestDistance] = [name, steps]
  }
  return best !== undefined && bestDistance <= Math.max(1, Math.floor(best.length / 3)) ? best : undefined
}
