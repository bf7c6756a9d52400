export * from './faulty-store.ts'
export * from './memory-store.ts'
