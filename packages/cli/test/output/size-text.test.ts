import { test } from 'tap'
import { sizeText } from '../../src/output/size-text.ts'

test('sizes read as etcdutl writes them', async (t) => {
  const expected: Record<number, string> = {
    0: '0 B',
    9: '9 B',
    10: '10 B',
    999: '999 B',
    1000: '1.0 kB',
    1049: '1.0 kB',
    1050: '1.1 kB',
    9949: '9.9 kB',
    9950: '10 kB',
    12500: '12 kB',
    13500: '14 kB',
    20480: '20 kB',
    73728: '74 kB',
    999949: '1000 kB',
    2134016: '2.1 MB',
    82854982: '83 MB',
    5_000_000_000: '5.0 GB',
  }
  for (const [bytes, text] of Object.entries(expected)) t.equal(sizeText(Number(bytes)), text, bytes)
})
