import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { seenLock } from '../../src/data-dir/seen-lock.ts'
import { failureOf, reading } from '../reading.ts'
import { locked, stoppedMember, withoutPrograms, withProgram } from './stopped-member.ts'

test('a database whose lock another process has is refused, by the program flock or by the list of locks', async (t) => {
  const { dataDir, database } = stoppedMember(t)
  const { pid, release } = await locked(t, database)
  const refused = {
    code: 'KPIPE_SOURCE_REFUSED',
    message: `${database} is in use, process ${pid} has its lock: the etcd of this data directory runs`,
    details: { data_dir: dataDir, pid },
  }
  t.match(await failureOf({ dataDir }), refused)
  t.match(await withoutPrograms(() => failureOf({ dataDir })), refused)
  await release()
  await (await reading().open({ dataDir })).close()
})

test('while a database is read, who wants to write to it has to wait', async (t) => {
  const { dataDir, database } = stoppedMember(t)
  const exitOf = async (...mode: string[]) => (await once(spawn('flock', [...mode, '--nonblock', database, 'true']), 'close'))[0] as number
  const stream = await reading().open({ dataDir })
  t.equal(await exitOf('--exclusive'), 1)
  t.equal(await exitOf('--shared'), 0, 'readers need not')
  await stream.close()
  t.equal(await exitOf('--exclusive'), 0)
})

test('where nothing tells whether an etcd runs, that is said', async (t) => {
  const { dataDir, at } = stoppedMember(t)
  const into = reading()
  const stream = await withoutPrograms(() => into.open({ dataDir }))
  await stream.close()
  t.match(into.warnings, [
    `whether an etcd runs on ${dataDir} cannot be told for certain: there is no program flock here, and the list of locks does not show those of other containers`,
    /newer than the database/,
  ])
  for (const [program, seen] of [
    ['echo "flock: 3: bad number" >&2; exit 65', 'flock says "flock: 3: bad number", and'],
    ['echo "flock: no locks available" >&2; exit 1', 'flock says "flock: no locks available", and'],
    ['exit 71', 'flock says "code 71", and'],
  ] as const) {
    const told = reading()
    await (await withProgram(at('bin'), program, () => told.open({ dataDir }))).close()
    t.ok(told.warnings[0]?.includes(seen), told.warnings[0])
  }
  const refused = await withProgram(at('bin'), 'exit 1', () => failureOf({ dataDir }))
  t.match(refused, { code: 'KPIPE_SOURCE_REFUSED', message: /another process has its lock/ }, 'where the list does not show it')
})

test('a stop while the lock is asked for ends the asking, too', async (t) => {
  const { dataDir, at } = stoppedMember(t)
  const stop = new AbortController()
  const asked = withProgram(at('bin'), `echo $$ > ${at('asking')}; exec /bin/sleep 600`, () => reading(stop.signal).open({ dataDir }))
  while (!existsSync(at('asking')) || readFileSync(at('asking'), 'utf8') === '') await delay(5)
  stop.abort(new Error('the test stops'))
  await t.rejects(asked, /the test stops/)
  const pid = Number(readFileSync(at('asking'), 'utf8'))
  while (existsSync(`/proc/${pid}`)) await delay(5)
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

test('in the list of locks, an exclusive one counts, of the very file', async (t) => {
  const { database, at } = stoppedMember(t)
  const { ino, dev } = await stat(database)
  const [major, minor] = [Math.floor(dev / 256) & 0xfff, (dev & 0xff) + (Math.floor(dev / 4096) & 0xfff00)]
  const device = (shift = 0) => `${(major + shift).toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`
  const handle = await open(database)
  t.teardown(() => handle.close())
  const seen = async (...rows: string[]) => {
    writeFileSync(at('locks'), rows.map((row, i) => `${i + 1}: ${row}\n`).join(''))
    return seenLock(handle, at('locks'))
  }
  const own = `FLOCK  ADVISORY  WRITE 14399 ${device()}:${ino} 0 EOF`
  t.equal(await seen(`POSIX  ADVISORY  WRITE 1 ${device()}:${ino} 0 EOF`, own), 14_399)
  for (const other of [
    `FLOCK  ADVISORY  READ 14399 ${device()}:${ino} 0 EOF`,
    `FLOCK  ADVISORY  WRITE 14399 ${device()}:${ino + 1} 0 EOF`,
    `FLOCK  ADVISORY  WRITE 14399 ${device(1)}:${ino} 0 EOF`,
    `-> ${own}`,
  ])
    t.equal(await seen(other), undefined, other)
  t.equal(await seenLock(handle, at('no such list')), undefined)
})
