import { hashConformance } from '@kpipe/engine/testing'
import { test } from 'tap'
import hash from '../src/index.ts'

for (const algorithm of ['sha256', 'blake3']) {
  for (const { title, run } of hashConformance(hash, { settings: { algorithm } })) test(`${algorithm}: ${title}`, (t) => t.resolves(run()))
}
