import { test } from 'tap'
import { wantsPlan } from '../../src/restore-plan/plan-flags.ts'

test('a plan is asked for by a file or by the snapshot', async (t) => {
  t.equal(wantsPlan({ to: 'x' }), false)
  t.equal(wantsPlan({ plan: 'c.yaml', to: 'x' }), true)
  t.equal(wantsPlan({ 'plan-from-snapshot': true }), true)
  t.equal(wantsPlan({ plan: 'plan.json', 'execute-local': true, name: 'm1' }), true)
})

test('flags that contradict a plan are refused', async (t) => {
  const refused: [Parameters<typeof wantsPlan>[0], RegExp][] = [
    [{ 'execute-local': true }, /--plan names none/],
    [{ plan: 'c', 'plan-from-snapshot': true }, /both given/],
    [{ 'plan-from-snapshot': true, 'execute-local': true }, /that --plan names/],
    [{ plan: 'c', 'data-dir': 'd' }, /--data-dir does not go with a plan/],
    [{ plan: 'c', 'no-bump': true }, /--no-bump does not go with a plan/],
    [{ plan: 'c', salvage: true }, /--salvage does not go with a plan/],
    [{ plan: 'c', 'execute-local': true, to: 'x' }, /--to does not go with --execute-local/],
  ]
  for (const [flags, message] of refused) t.throws(() => wantsPlan(flags), { code: 'KPIPE_USAGE', message })
})
