import { exitCodes } from '@kpipe/engine/contracts'
import type { KpipeErrorCode } from '@kpipe/engine/contracts'
import { test } from 'tap'
import { hintFor } from '../src/hints.ts'

test('every error code has a hint of one line that ends as a sentence', async (t) => {
  for (const code of Object.keys(exitCodes) as KpipeErrorCode[]) t.match(hintFor(code), /^[A-Z][^\n]{10,}\.$/, code)
})

test('the exit codes are those that people rely on', async (t) => {
  t.same(
    [...new Set(Object.values(exitCodes))].toSorted((a, b) => a - b),
    [1, 3, 10, 11, 12, 64, 65, 69, 75, 78, 130],
  )
})
