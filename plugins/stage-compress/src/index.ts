export { compress as default } from './compress.ts'
