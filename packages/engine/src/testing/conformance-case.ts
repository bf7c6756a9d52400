/**
 * One promise of a contract. Not tied to a test runner:
 * `for (const { title, run } of codecConformance(stage)) test(title, run)`.
 */
export interface ConformanceCase {
  /** A sentence about behaviour. */
  readonly title: string
  /** @throws Error in one sentence, when the stage breaks its promise */
  run(): Promise<void>
}

/** What a stage under test gets as settings: what stands under `with` in a pipeline file. Defaults are filled in. */
export type GivenSettings = Readonly<Record<string, unknown>>

export function demand(kept: boolean, sentence: string): asserts kept {
  if (!kept) throw new Error(sentence)
}

/** Names the first difference, never the bytes. */
export function demandSameBytes(seen: Uint8Array, expected: Uint8Array, what: string): void {
  demand(seen instanceof Uint8Array, `${what} is no Uint8Array`)
  demand(seen.length === expected.length, `${what} has ${seen.length} bytes instead of ${expected.length}`)
  if (Buffer.compare(seen, expected) === 0) return
  const at = expected.findIndex((byte, index) => seen[index] !== byte)
  throw new Error(`${what} differs at byte ${at} of ${expected.length}`)
}
