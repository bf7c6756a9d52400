import { test } from 'tap'
import { parseUnused } from '../../src/index.ts'

test('an amount that may stay unused is a share, bytes, or unlimited', async (t) => {
  const amounts = [
    ['5%', { percent: 5 }],
    ['0.5%', { percent: 0.5 }],
    ['0', { bytes: 0 }],
    ['200M', { bytes: 200 * 2 ** 20 }],
    ['1.5G', { bytes: 1.5 * 2 ** 30 }],
    ['7K', { bytes: 7168 }],
    ['unlimited', 'unlimited'],
  ] as const
  for (const [text, amount] of amounts) t.same(parseUnused(text), amount, text)
  for (const text of ['', '5 %', '100%', '-1', '5m', 'M', '1..5G', 'all']) t.equal(parseUnused(text), undefined, text)
})
