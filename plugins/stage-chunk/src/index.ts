export { chunk as default } from './chunk.ts'
