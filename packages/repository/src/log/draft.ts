import type { LogState } from './state.ts'

type Writable<Of> = Of extends ReadonlyMap<infer Key, infer Value> ? Map<Key, Value> : Of extends ReadonlySet<infer Value> ? Set<Value> : Of

/** The state in which a batch of entries is folded; nobody else sees it. What its maps hold is never changed, only replaced. */
export type Draft = {
  -readonly [Field in keyof LogState]: Field extends 'genesis' | 'requires' | 'slotTimes' ? LogState[Field] : Writable<LogState[Field]>
}
