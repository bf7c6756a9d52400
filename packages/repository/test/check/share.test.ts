import { test } from 'tap'
import { packsToRead, parseReadShare } from '../../src/check/share.ts'

function packs(...bytes: readonly number[]): { pack: never }[] {
  return bytes.map((size, number) => ({
    pack: { number, id: '', class: 'D', bytes: size, directoryBytes: 0, sha256: new Uint8Array(32) } as never,
  }))
}

test('a share is a percentage, a part or a size', async (t) => {
  t.same(parseReadShare('5%'), { kind: 'share', share: 0.05 })
  t.same(parseReadShare('12.5%'), { kind: 'share', share: 0.125 })
  t.same(parseReadShare('1/7'), { kind: 'share', share: 1 / 7 })
  t.same(parseReadShare('500M'), { kind: 'bytes', bytes: 500 * 2 ** 20 })
  t.same(parseReadShare('2G'), { kind: 'bytes', bytes: 2 ** 31 })
  for (const wrong of ['', '0%', '101%', '8/7', '0/7', '1/0', '0M', '500', 'M', '-5%', '1/7/2'])
    t.equal(parseReadShare(wrong), undefined, wrong)
})

test('packs that were never read come first, then those whose check is oldest', async (t) => {
  const numbers = (share: string, checked: [number, number][]): number[] =>
    packsToRead(packs(10, 10, 10, 10), new Map(checked), parseReadShare(share)!).map(({ pack }) => (pack as { number: number }).number)
  t.same(
    numbers('50%', [
      [0, 9],
      [1, 8],
    ]),
    [2, 3],
  )
  t.same(
    numbers('100%', [
      [0, 9],
      [1, 8],
    ]),
    [2, 3, 1, 0],
  )
  t.same(
    numbers('1%', [
      [0, 9],
      [1, 8],
      [2, 7],
      [3, 7],
    ]),
    [2],
    'at least one',
  )
  t.same(numbers('26%', []), [0, 1], 'never less than the share')
  t.same(packsToRead([], new Map(), parseReadShare('1%')!), [])
})
