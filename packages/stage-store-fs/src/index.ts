export { default, directoryStore } from './store-fs.ts'
