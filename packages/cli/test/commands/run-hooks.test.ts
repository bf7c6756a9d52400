import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { jsonLines, startKpipe } from '../support/kpipe.ts'
import { pipelineWith } from '../support/pipeline-with.ts'
import type { Workplace } from '../support/workplace.ts'

const allHooks = `hooks:
  before: { run: 'env > before.env' }
  after: [{ run: 'env > after.env' }, { run: [sh, -c, 'echo "two words" >> order', "$0"] }]
  failed: { run: 'env > failed.env' }
  finally: { run: 'env > finally.env; echo last >> order' }
`

function variables(place: Workplace, name: string): Record<string, string> {
  const lines = readFileSync(place.at(`${name}.env`), 'utf8').split('\n')
  return Object.fromEntries(lines.filter((line) => line.includes('=')).map((line) => line.split(/=(.*)/s, 2) as [string, string]))
}

const snapshotsOf = async (place: Workplace) => JSON.parse((await place.kpipe(['snapshots', '--json'])).stdout) as { id: string }[]

test('hooks run in the folder of the pipeline file and are told about the run', async (t) => {
  const place = await pipelineWith(t, allHooks)
  const { code, stderr, stdout } = await place.kpipe(['run', place.at('backup.yaml'), '--json'], { cwd: '/', env: { HOME: place.folder } })
  t.equal(code, 0, stderr)
  const summary = jsonLines(stdout).at(-1)!
  t.match(variables(place, 'before'), {
    KPIPE_HOOK: 'before',
    KPIPE_NAME: 'sample',
    KPIPE_PIPELINE: place.at('backup.yaml'),
    KPIPE_STORE: place.at('repository'),
  })
  t.notOk('KPIPE_SNAPSHOT_ID' in variables(place, 'before'))
  for (const hook of ['after', 'finally']) {
    t.match(variables(place, hook), {
      KPIPE_HOOK: hook,
      KPIPE_REPOSITORY_ID: /^[0-9a-f]{32}$/,
      KPIPE_SNAPSHOT_ID: summary['snapshot_id'],
      KPIPE_REVISION: '142',
      KPIPE_BYTES_READ: '73760',
      KPIPE_BYTES_FRESH: '73760',
      KPIPE_BYTES_STORED: String(summary['bytes_stored']),
      KPIPE_ATTEMPTS: '1',
    })
    t.notOk('KPIPE_ERROR_CODE' in variables(place, hook))
  }
  t.equal(readFileSync(place.at('order'), 'utf8'), 'two words\nlast\n')
  t.notOk(existsSync(place.at('failed.env')))
})

test('after a failure the failed hook is told which, and the exit code stays', async (t) => {
  const place = await pipelineWith(t, allHooks)
  const { code } = await place.kpipe(['run'], { env: { KPIPE_KEY_FILE: '/nowhere/key' } })
  t.equal(code, 12)
  for (const hook of ['failed', 'finally']) {
    t.match(variables(place, hook), { KPIPE_ERROR_CODE: 'KPIPE_KEY_MISSING', KPIPE_EXIT_CODE: '12', KPIPE_ERROR_MESSAGE: /nowhere\/key/ })
  }
  t.notOk(existsSync(place.at('after.env')))
})

test('no secret is in the environment of a hook', async (t) => {
  const place = await pipelineWith(t, allHooks)
  const phrase = readFileSync(place.at('phrase.txt'), 'utf8').trim()
  const env = { KPIPE_RECOVERY_PHRASE: phrase, ETCDCTL_PASSWORD: 'hunter2', ETCDCTL_USER: 'root:hunter2', OTHER: 'stays' }
  t.equal((await place.kpipe(['run', '-q'], { env })).code, 0)
  const seen = ['before', 'after', 'finally'].map((hook) => readFileSync(place.at(`${hook}.env`), 'utf8')).join('\n')
  t.notOk(seen.includes(phrase))
  t.notMatch(seen, /hunter2/)
  t.match(seen, /^OTHER=stays$/m)
  await place.kpipe(['run', '-q'], { env: { KPIPE_KEY_FILE: place.at('repository.key') } })
  t.notMatch(readFileSync(place.at('after.env'), 'utf8'), /KPIPE_KEY_FILE/)
})

test('a before hook that fails forbids the backup: exit 75, and nothing is opened', async (t) => {
  const place = await pipelineWith(
    t,
    `hooks:
  before: [{ run: 'echo no room >&2; exit 3' }, { run: touch second }]
  failed: { run: 'echo "$KPIPE_ERROR_CODE $KPIPE_EXIT_CODE" > failed' }
  finally: { run: touch finally }
`,
  )
  const { code, stdout, stderr } = await place.kpipe(['run', '--json'])
  t.equal(code, 75)
  t.match(jsonLines(stdout).at(-1), { code: 'KPIPE_HOOK_FAILED', exit_code: 75, message: 'before hook `echo …` ended with code 3' })
  t.match(stderr, /^before: no room$/m)
  t.equal(readFileSync(place.at('failed'), 'utf8'), 'KPIPE_HOOK_FAILED 75\n')
  t.ok(existsSync(place.at('finally')))
  t.notOk(existsSync(place.at('second')))
  t.same(await snapshotsOf(place), [])
})

for (const when of ['before', 'after', 'finally'] as const) {
  test(`a ${when} hook whose failure is a warning is told, one that is ignored is not`, async (t) => {
    const warned = await pipelineWith(t, `hooks: { ${when}: { run: exit 9, onFailure: warn } }\n`)
    t.match(await warned.kpipe(['run', '-q']), { code: 0, stderr: `warning: ${when} hook \`exit …\` ended with code 9` })
    t.equal((await snapshotsOf(warned)).length, 1)
    const ignored = await pipelineWith(t, `hooks: { ${when}: { run: exit 9, onFailure: ignore } }\n`)
    t.match(await ignored.kpipe(['run', '-q']), { code: 0, stderr: '' })
  })
}

for (const when of ['after', 'finally'] as const) {
  test(`a ${when} hook that fails does not lose the backup: exit 3`, async (t) => {
    const place = await pipelineWith(t, `hooks: { ${when}: [{ run: [./absent, x] }, { run: touch second }] }\n`)
    const { code, stdout, stderr } = await place.kpipe(['run', '--json'])
    t.equal(code, 3, stderr)
    const sentence = `${when} hook \`./absent …\` cannot be started: ENOENT`
    t.match(jsonLines(stdout).at(-1), { message_type: 'summary', attention: [sentence] })
    t.match(stderr, `warning: ${sentence}`)
    t.ok(existsSync(place.at('second')), 'the next hook runs all the same')
    t.equal((await snapshotsOf(place)).length, 1)
  })
}

test('a failed hook that fails leaves the exit code of the failure', async (t) => {
  const place = await pipelineWith(t, 'hooks: { failed: { run: exit 4 } }\n')
  t.match(await place.kpipe(['run', '-q'], { env: { KPIPE_KEY_FILE: '/nowhere' } }), {
    code: 12,
    stderr: 'failed hook `exit …` ended with code 4',
  })
})

test('a hook that takes too long is ended with all that it has started', async (t) => {
  const place = await pipelineWith(t, `hooks: { after: { run: 'sleep 300 & echo $! > child; sleep 300', timeout: 500ms } }\n`)
  t.match(await place.kpipe(['run', '-q']), { code: 3, stderr: 'after hook `sleep …` was ended after 0.5 s' })
  t.notOk(await isAlive(Number(readFileSync(place.at('child'), 'utf8'))))
})

test('a hook that leaves something behind does not keep the run waiting', async (t) => {
  const place = await pipelineWith(t, `hooks: { after: { run: 'sleep 300 & echo $! > child' } }\n`)
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
  const left = Number(readFileSync(place.at('child'), 'utf8'))
  t.ok(await isAlive(left))
  process.kill(left)
})

test('with -q only the output of a hook that fails is shown, without what plays with terminals', async (t) => {
  const place = await pipelineWith(t, `hooks: { after: [{ run: echo fine }, { run: "printf 'a\\\\033[31mb\\\\n'; exit 1" }] }\n`)
  const { stderr } = await place.kpipe(['run', '-q'])
  t.notMatch(stderr, /fine/)
  t.match(stderr, /^after: ab$/m)
})

test('a signal during a before hook ends its group: nothing is run, cleaning up is, exit 130', async (t) => {
  const place = await pipelineWith(
    t,
    `hooks:
  before: { run: 'sleep 300 & echo $! > child; echo ready; wait' }
  failed: { run: 'echo "$KPIPE_EXIT_CODE" > failed' }
  finally: { run: touch finally }
`,
  )
  const { child, ended } = startKpipe(['run'], { cwd: place.folder })
  for (let said = ''; !said.includes('before: ready');) said += String((await once(child.stderr!, 'data'))[0])
  child.kill('SIGINT')
  const { code, stderr } = await ended
  t.equal(code, 130, stderr)
  t.notOk(await isAlive(Number(readFileSync(place.at('child'), 'utf8'))))
  t.equal(readFileSync(place.at('failed'), 'utf8'), '130\n')
  t.ok(existsSync(place.at('finally')))
  t.same(await snapshotsOf(place), [])
})

test('a signal during an after hook leaves the backup as it is: exit 3', async (t) => {
  const place = await pipelineWith(t, `hooks: { after: { run: 'echo ready; sleep 300' } }\n`)
  const { child, ended } = startKpipe(['run'], { cwd: place.folder })
  for (let said = ''; !said.includes('after: ready');) said += String((await once(child.stderr!, 'data'))[0])
  child.kill('SIGTERM')
  t.match(await ended, { code: 3, stderr: 'after hook `echo …` was ended because kpipe was stopped' })
  t.equal((await snapshotsOf(place)).length, 1)
})

test('a second signal ends the run and its hooks at once', async (t) => {
  const place = await pipelineWith(t, `hooks: { finally: { run: 'trap "" TERM; sleep 300 & echo $! > child; echo ready; wait' } }\n`)
  const { child, ended } = startKpipe(['run'], { cwd: place.folder, env: { KPIPE_KEY_FILE: '/nowhere' } })
  for (let said = ''; !said.includes('finally: ready');) said += String((await once(child.stderr!, 'data'))[0])
  child.kill('SIGINT')
  await delay(200) // Signals closer together count as one.
  child.kill('SIGINT')
  t.equal((await ended).code, 130)
  t.notOk(await isAlive(Number(readFileSync(place.at('child'), 'utf8'))))
})

test('a hook that says much, without line breaks, is let say it in pieces', async (t) => {
  const place = await pipelineWith(t, `hooks: { after: { run: 'head -c 300000 /dev/zero | tr "\\\\0" x; printf end' } }\n`)
  const { code, stderr } = await place.kpipe(['run'])
  t.equal(code, 0)
  const lines = stderr.split('\n').filter((line) => line.startsWith('after: '))
  t.equal(lines.map((line) => line.slice('after: '.length)).join(''), `${'x'.repeat(300_000)}end`)
  t.ok(lines.every((line) => line.length < 70_000))
})

test('whatever keeps a hook from being started is told, and the backup stays', async (t) => {
  for (const [program, seen] of [
    ['./backup.yaml', 'EACCES'],
    ['./backup.yaml/x', 'ENOTDIR'],
    ['""', 'ERR_INVALID_ARG_VALUE'],
  ]) {
    const place = await pipelineWith(t, `hooks: { after: { run: [${program}] } }\n`)
    t.match(await place.kpipe(['run', '-q']), { code: 3, stderr: `cannot be started: ${seen}` })
  }
})

test('a hook has no input to wait for', async (t) => {
  const place = await pipelineWith(t, `hooks: { after: { run: 'cat; echo read' } }\n`)
  t.match(await place.kpipe(['run'], { openInput: new Uint8Array(1) }), { code: 0, stderr: 'after: read' })
})

/** A process that was killed needs a moment until it is gone; as a zombie nobody may ever wait for it. */
async function isAlive(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (!existsSync(`/proc/${pid}/stat`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) return false
    await delay(10)
  }
  return true
}
