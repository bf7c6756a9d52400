import type { StageKind } from '@kpipe/engine/contracts'
import { chunk } from './chunk.ts'
import { codec } from './codec.ts'
import { hash } from './hash.ts'
import { inspect } from './inspect.ts'
import { source } from './source.ts'
import { store } from './store.ts'
import { target } from './target.ts'

/** A whole stage of each kind, to begin with: small, and all that its contract wants. */
export const templates: Readonly<Record<StageKind, string>> = { source, chunk, hash, inspect, codec, store, target }
