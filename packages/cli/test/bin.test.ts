import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { bin, jsonLines, kpipe, startKpipe } from './support/kpipe.ts'
import { waitingRun } from './support/waiting-run.ts'
import { workplace } from './support/workplace.ts'

const cwd = tmpdir()
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
/** Makes Node believe that it is an old one; what it starts believes itself again. */
const pretendOld = [
  '--import',
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})',
]

test('--version tells the version and the Node that runs it', async (t) => {
  const { code, stdout } = await kpipe(['--version'], { cwd })
  t.equal(stdout, `kpipe ${version} (node ${process.version})\n`)
  t.equal(code, 0)
})

test('help goes to standard output, and to standard error when no command was given', async (t) => {
  for (const words of [['help'], ['--help'], ['-h']]) {
    t.match(await kpipe(words, { cwd }), { code: 0, stdout: /run {2,}Make one backup/, stderr: '' }, words[0])
  }
  t.match(await kpipe([], { cwd }), { code: 64, stdout: '', stderr: /COMMANDS/ })
})

test('every command has help with its flags and examples', async (t) => {
  for (const name of ['init', 'run', 'restore', 'snapshots', 'status']) {
    const { code, stdout } = await kpipe(['help', name], { cwd })
    t.equal(code, 0)
    t.match(stdout, /USAGE\n {2}\$ kpipe /)
    t.match(stdout, /--json/)
    t.match(stdout, new RegExp(`EXAMPLES\\n {2}\\$ kpipe ${name}\\b`))
    t.equal((await kpipe([name, '--help'], { cwd })).stdout, stdout)
  }
})

test('a misspelt command names the nearest one and exits 64', async (t) => {
  const { code, stderr } = await kpipe(['snapshot'], { cwd })
  t.equal(code, 64)
  t.match(stderr, /there is no command snapshot\n.*Did you mean `kpipe snapshots`\?/)
})

test('a flag that does not exist exits 64, and with --json the error is a JSON line', async (t) => {
  t.match(await kpipe(['run', '--tga', 'x'], { cwd }), { code: 64, stdout: '', stderr: /run has no flag --tga/ })
  const { code, stdout, stderr } = await kpipe(['run', '--json', '--tagg', 'x'], { cwd })
  t.equal(code, 64)
  t.equal(stderr, '')
  t.match(jsonLines(stdout), [
    { message_type: 'error', code: 'KPIPE_USAGE', exit_code: 64, message: 'run has no flag --tagg', hint: /--tag\?/ },
  ])
})

test('errors carry no stack trace without -vv', async (t) => {
  const place = workplace(t)
  const plain = await place.kpipe(['snapshots', '-c', 'absent.yaml'])
  t.equal(plain.code, 78)
  t.notMatch(plain.stderr, /\n\s+at /)
  t.match((await place.kpipe(['snapshots', '-c', 'absent.yaml', '-vv'])).stderr, /\n\s+at /)
})

test('an old Node starts the one that was installed with kpipe', async (t) => {
  const { code, stdout } = await kpipe(['--version'], { cwd, nodeArguments: pretendOld })
  t.equal(stdout, `kpipe ${version} (node ${process.version})\n`)
  t.equal(code, 0)
})

test('an old Node passes on exit codes and output', async (t) => {
  const { code, stderr } = await kpipe(['nonsense'], { cwd, nodeArguments: pretendOld })
  t.equal(code, 64)
  t.match(stderr, /there is no command nonsense/)
})

test('an old Node passes on signals, and one that arrives twice at once counts once', async (t) => {
  const place = workplace(t)
  await place.kpipe(['init', '--no-recovery-phrase'])
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const waiting = await waitingRun(place, { nodeArguments: pretendOld })
    waiting.child.kill(signal)
    const { code, stdout } = await waiting.ended
    t.equal(code, 130, signal)
    t.match(jsonLines(stdout).at(-1), { message_type: 'error', code: 'KPIPE_INTERRUPTED', exit_code: 130 })
  }
})

test('kpipe works through a symbolic link', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-link-'))
  t.after(() => rmSync(folder, { recursive: true }))
  symlinkSync(bin, join(folder, 'kpipe'))
  const { stdout } = await startKpipe(['help'], { cwd: folder }).ended
  t.match(stdout, /COMMANDS/)
})
