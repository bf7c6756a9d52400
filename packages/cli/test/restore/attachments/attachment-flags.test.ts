import { test } from 'tap'
import { wantsAttachments } from '../../../src/restore/attachments/attachment-flags.ts'

test('attachments are asked for by one of two flags', async (t) => {
  t.notOk(wantsAttachments({ to: 'f' }))
  t.ok(wantsAttachments({ attachments: 'out' }))
  t.ok(wantsAttachments({ attachment: 'a', to: '-' }))
})

test('what would write something else as well is refused', async (t) => {
  const cases = [
    [{ attachments: 'out', attachment: 'a' }, /--attachments and --attachment were both given/],
    [{ attachments: 'out', to: 'f' }, /--to does not go with --attachments/],
    [{ attachment: 'a' }, /--attachment needs --to/],
    [{ attachment: 'a', to: 'f', 'data-dir': 'd' }, /--data-dir does not go with --attachment$/],
    [{ attachments: 'out', plan: 'p' }, /--plan does not go with --attachments/],
    [{ attachments: 'out', salvage: true }, /--salvage does not go with --attachments/],
    [{ attachments: 'out', 'initial-cluster': 'a=b' }, /--initial-cluster does not go with --attachments/],
  ] as const
  for (const [flags, message] of cases) t.throws(() => wantsAttachments(flags), { code: 'KPIPE_USAGE', message })
})
