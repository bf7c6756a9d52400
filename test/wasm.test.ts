import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { compiled, wasmModules } from '../scripts/build/compile-wasm.ts'

for (const module of wasmModules) {
  test(`the compiled code of wasm/${module.entry} is that of its sources`, (t) => {
    t.equal(readFileSync(module.codeFile, 'utf8'), compiled(module), 'run `npm run build:wasm`')
    t.end()
  })
}
