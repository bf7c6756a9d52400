import { test } from 'tap'
import { missingHistory } from '../src/index.ts'

test('what a store does not show of a history is told by its entries', async (t) => {
  const digest = 'a'.repeat(64)
  t.equal(missingHistory({ remembered: `7:${digest}`, seen: `4:${digest}` }), 'log entries 5 to 7 are missing')
  t.equal(missingHistory({ remembered: `5:${digest}`, seen: `4:${digest}` }), 'log entry 5 is missing')
  t.equal(missingHistory({ remembered: `4:${digest}`, seen: `9:${digest}` }), 'log entry 4 is not the one that was seen')
})
