import { source } from './source.ts'

export default [source]
