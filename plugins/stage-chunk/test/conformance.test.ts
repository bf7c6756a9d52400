import { chunkConformance } from '@kpipe/engine/testing'
import { test } from 'tap'
import chunk from '../src/index.ts'
import { boltHead } from './bolt-file.ts'

const subjects = {
  fastcdc: { settings: { algorithm: 'fastcdc' }, segmentBytes: [262_144, 262_145, 300_007, 2 ** 20, 2 ** 21, 2 ** 22] },
  'small fastcdc': { settings: { algorithm: 'fastcdc', min: 64, average: 256, max: 1024 }, segmentBytes: [1024, 1025, 4099, 2 ** 20] },
  'auto on a bbolt file': { head: boltHead(4096) },
  'auto on anything else': {},
  'pages of 64 KiB': { settings: { algorithm: 'page', pageBytes: 65536 } },
}

for (const [name, options] of Object.entries(subjects)) {
  for (const { title, run } of chunkConformance(chunk, options)) test(`${name}: ${title}`, (t) => t.resolves(run()))
}
