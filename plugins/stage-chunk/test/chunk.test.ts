import { test } from 'tap'
import { chunk, type Settings } from '../src/chunk.ts'
import { boltHead } from './bolt-file.ts'

const lengths = { min: 16384, average: 65536, max: 262144 }
const auto: Settings = { algorithm: 'auto', ...lengths }

test('auto cuts a bbolt file at its pages', async (t) => {
  t.same(chunk.plan(boltHead(16384), auto), { id: 'page/16384', pageBytes: 16384 })
})

test('auto cuts any other stream by content, and the plan says with which lengths', async (t) => {
  for (const head of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(65536)]) {
    t.same(chunk.plan(head, auto), { id: 'fastcdc/16384-65536-262144', pageBytes: 0, ...lengths })
  }
})

test('fastcdc cuts a bbolt file by content too', async (t) => {
  const plan = chunk.plan(boltHead(4096), { algorithm: 'fastcdc', min: 64, average: 128, max: 256 })
  t.same(plan, { id: 'fastcdc/64-128-256', pageBytes: 0, min: 64, average: 128, max: 256 })
})

test('a page size in the settings wins over the meta pages', async (t) => {
  t.same(chunk.plan(boltHead(4096), { ...auto, algorithm: 'page', pageBytes: 8192 }), { id: 'page/8192', pageBytes: 8192 })
  t.same(chunk.plan(new Uint8Array(1), { ...auto, pageBytes: 8192 }), { id: 'page/8192', pageBytes: 8192 })
})

test('pages of unknown length are refused', async (t) => {
  t.throws(() => chunk.plan(new Uint8Array(1), { ...auto, algorithm: 'page' }), {
    code: 'KPIPE_PIPELINE_INVALID',
    message: 'the stream is no bbolt file, which would tell the length of a page, and pageBytes is not set',
  })
})

test('lengths that do not ascend are refused', async (t) => {
  for (const wrong of [{ min: 65536 }, { average: 262144 }, { max: 16384 }]) {
    t.throws(() => chunk.plan(new Uint8Array(1), { ...auto, ...wrong }), { code: 'KPIPE_PIPELINE_INVALID', message: /they must ascend$/ })
  }
})
