import { writeFileSync } from 'node:fs'
import { compiled, wasmModules } from './build/compile-wasm.ts'

for (const module of wasmModules) writeFileSync(module.codeFile, compiled(module))
