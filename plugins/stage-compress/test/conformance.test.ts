import { codecConformance } from '@kpipe/engine/testing'
import { test } from 'tap'
import compress from '../src/index.ts'

for (const level of [1, 3, 9]) {
  for (const { title, run } of codecConformance(compress, { settings: { level } }))
    test(`level ${level}: ${title}`, (t) => t.resolves(run()))
}
