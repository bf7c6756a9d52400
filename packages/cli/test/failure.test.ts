import { KpipeError } from '@kpipe/engine/contracts'
import { test } from 'tap'
import { describeFailure, withHint } from '../src/failure.ts'
import { hintFor } from '../src/hints.ts'

test('a KpipeError is told with its own message, its exit code and the hint of its code', async (t) => {
  const failure = describeFailure(new KpipeError('KPIPE_STORE_FULL', 'no space left in /backups'))
  t.match(failure, { code: 'KPIPE_STORE_FULL', exitCode: 75, message: 'no space left in /backups', hint: hintFor('KPIPE_STORE_FULL') })
})

test('an error may bring a better hint than its code has', async (t) => {
  t.equal(describeFailure(withHint(new KpipeError('KPIPE_USAGE', 'x'), 'Do this.')).hint, 'Do this.')
})

test('anything else is a fault of kpipe, told in one line with exit code 1', async (t) => {
  t.match(describeFailure(new TypeError('x is not a function\n    at y')), {
    code: 'KPIPE_INTERNAL',
    exitCode: 1,
    message: 'internal fault: x is not a function',
  })
  t.match(describeFailure('just text'), { exitCode: 1, message: 'internal fault: just text' })
  t.match(describeFailure(Object.assign(new Error('no such file'), { code: 'ENOENT' })), { code: 'KPIPE_INTERNAL' })
})

test('the causes of an error are in its stack', async (t) => {
  const cause = new Error('the deeper reason')
  t.match(describeFailure(new KpipeError('KPIPE_DAMAGED', 'x', {}, { cause })).stack, /caused by Error: the deeper reason/)
})
