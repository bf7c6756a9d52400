export { hash as default } from './hash.ts'
