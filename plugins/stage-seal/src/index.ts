export { seal as default } from './seal.ts'
