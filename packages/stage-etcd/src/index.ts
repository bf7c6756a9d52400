import { inspect } from './inspect.ts'
import { source } from './source.ts'
import { target } from './target.ts'

export default [source, inspect, target]
