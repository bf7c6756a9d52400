export { default, directoryStore } from './store-fs.ts'
export type { FileSystem, FolderEntry, OpenFile } from './file-system.ts'
