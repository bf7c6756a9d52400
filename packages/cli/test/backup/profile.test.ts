import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { initialized } from '../support/workplace.ts'

test('-vv tells seconds and nanoseconds a byte of each stage, and what each thread did', async (t) => {
  const { kpipe } = await initialized(t)
  const { code, stderr } = await kpipe(['run', '-vv'])
  t.equal(code, 0, stderr)
  const profile = stderr.slice(stderr.indexOf('profile'))
  const stages = [...profile.matchAll(/^ {2}([a-z ]+?) +\d+\.\d{3} +\d+\.\d{3} {2}\S/gm)].map(([, stage]) => stage)
  const inOrder = [
    'start',
    'read',
    'digest',
    'cut',
    'compare',
    'tag',
    'inspect',
    'look up',
    'gather',
    'compress',
    'seal',
    'pack',
    'store',
    'publish',
  ]
  t.same(
    stages.filter((stage) => inOrder.includes(stage!)),
    inOrder,
  )
  t.match(profile, /^ {2}main +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d{3}$/m)
  t.match(profile, /^ {2}worker 1 +\d/m)
})

test('-v alone and no flag tell no profile', async (t) => {
  const { kpipe } = await initialized(t)
  for (const flags of [['-v'], []]) t.notMatch((await kpipe(['run', ...flags])).stderr, 'profile')
})

test('--json with -vv has the profile in its summary', async (t) => {
  const { kpipe } = await initialized(t)
  const { stage_seconds: stages, profile } = jsonLines((await kpipe(['run', '--json', '-vv'])).stdout).at(-1)!
  const { threads, stream_seconds: stream } = profile as { threads: { thread: string; busy_seconds: number }[]; stream_seconds: number }
  t.ok(stream > 0)
  t.match(threads[0], { thread: 'main' })
  t.ok(threads.every(({ busy_seconds: busy }) => busy >= 0))
  t.ok((stages as Record<string, number>)['tag']! > 0)
})
