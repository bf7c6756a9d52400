import { codecConformance } from '@kpipe/engine/testing'
import { test } from 'tap'
import seal from '../src/index.ts'

for (const { title, run } of codecConformance(seal)) test(title, (t) => t.resolves(run()))
