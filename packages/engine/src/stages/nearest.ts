import { distance } from 'fastest-levenshtein'

/** The name that was probably meant: the closest one, when at most a third of its letters (or one) differ. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestSteps = Infinity
  for (const name of names) {
    const steps = distance(word.toLowerCase(), name.toLowerCase())
    if (steps < bestSteps) [best, bestSteps] = [name, steps]
  }
  return best !== undefined && bestSteps <= Math.max(1, Math.ceil(best.length / 3)) ? best : undefined
}
