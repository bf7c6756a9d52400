import { source } from './source.ts'
import { target } from './target.ts'

export default [source, target]
