import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { compiledLook, lookCodeFile } from '../scripts/build/compile-look.ts'

test('the compiled code of the package bolt is that of its folder wasm', (t) => {
  t.equal(readFileSync(lookCodeFile, 'utf8'), compiledLook(), 'run `npm run build:wasm`')
  t.end()
})
