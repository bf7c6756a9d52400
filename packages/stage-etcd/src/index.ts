import { inspect } from './inspect.ts'
import { source } from './source.ts'

export default [source, inspect]
