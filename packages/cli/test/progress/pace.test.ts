import { test } from 'tap'
import { paceMeter } from '../../src/progress/pace.ts'

test('a run that starts over has no negative speed', async (t) => {
  let now = 0
  const pace = paceMeter(() => now)
  const at = (ms: number, bytes: number) => {
    now = ms
    return pace(bytes, 1000)
  }
  t.equal(at(1000, 500).speed, 500)
  const { speed, secondsLeft } = at(2000, 500 - 1)
  t.ok(speed > 499 - 0.5 && speed < 500, `${speed}`)
  t.ok(secondsLeft! > 1 && secondsLeft! < 1.01, `${secondsLeft}`)
})
