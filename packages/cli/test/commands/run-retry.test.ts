import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { jsonLines, startKpipe } from '../support/kpipe.ts'
import { failingSource } from '../support/pipeline-with.ts'
import { initialized } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

async function counted(t: { after(done: () => void): void }, failures: number, retry: string, code?: string): Promise<Workplace> {
  const place = await initialized(t)
  failingSource(place, failures, code)
  const store = 'store: { use: store-fs, with: { path: repository } }\nkey: { file: repository.key }'
  writeFileSync(place.at('backup.yaml'), `name: counted\nsource: { use: ./source.mjs }\n${store}\n${retry}`)
  return place
}

const openings = (place: Workplace) => readFileSync(place.at('opened'), 'utf8').split('\n').length - 1

test('a source that fails is tried again, each time from the start, and every attempt is told', async (t) => {
  const place = await counted(t, 2, 'retry: { attempts: 4, delay: 10ms }\nhooks: { after: { run: echo $KPIPE_ATTEMPTS } }\n')
  const { code, stdout, stderr } = await place.kpipe(['run', '--json'])
  t.equal(code, 0, stderr)
  t.equal(openings(place), 3, 'both faults were met')
  t.match(jsonLines(stdout).at(-1), { message_type: 'summary', attempts: 3, bytes_read: 65536, chunks_fresh: 1 })
  t.match(stderr, /attempt 1 of 4 failed: broke off at opening 1; the next one begins in 0\.01 s\n.*attempt 2 of 4 failed/)
  t.match(stderr, /^after: 3$/m)
  t.equal((JSON.parse((await place.kpipe(['snapshots', '--json'])).stdout) as unknown[]).length, 1)
})

test('after the last attempt the run ends as that one did', async (t) => {
  const place = await counted(t, 99, 'retry: { attempts: 2, delay: 10ms }\n')
  t.match(await place.kpipe(['run']), { code: 69, stderr: 'broke off at opening 2' })
  t.equal(openings(place), 2)
})

test('without retry there is one attempt', async (t) => {
  const place = await counted(t, 99, '')
  t.match(await place.kpipe(['run']), { code: 69 })
  t.equal(openings(place), 1)
})

test('only failures of source and store are tried again', async (t) => {
  for (const [failure, exitCode, count] of [
    ['KPIPE_STORE_FULL', 75, 2],
    ['KPIPE_TRAILER_MISMATCH', 65, 1],
    ['KPIPE_STAGE_FAILED', 78, 1],
  ] as const) {
    const place = await counted(t, 99, 'retry: { attempts: 2, delay: 10ms }\n', failure)
    t.equal((await place.kpipe(['run', '-q'])).code, exitCode, failure)
    t.equal(openings(place), count, failure)
  }
})

test('a store that fails is tried again, and holds one snapshot in the end', async (t) => {
  const place = await counted(t, 0, 'retry: { attempts: 2, delay: 1s }\n')
  rmSync(place.at('repository/tmp'), { recursive: true })
  writeFileSync(place.at('repository/tmp'), 'in the way')
  const { child, ended } = startKpipe(['run', '--json'], { cwd: place.folder })
  let said = ''
  while (!said.includes('attempt 1 of 2 failed')) said += String((await once(child.stderr!, 'data'))[0])
  rmSync(place.at('repository/tmp'))
  const { code, stdout } = await ended
  t.match({ code, summary: jsonLines(stdout).at(-1) }, { code: 0, summary: { message_type: 'summary', attempts: 2 } })
  t.match(said, /create .* ENOTDIR|create .* EEXIST/)
  t.equal((JSON.parse((await place.kpipe(['snapshots', '--json'])).stdout) as unknown[]).length, 1)
})

test('a signal between two attempts ends the run at once', async (t) => {
  const place = await counted(t, 99, 'retry: { attempts: 3, delay: 1h }\n')
  const { child, ended } = startKpipe(['run'], { cwd: place.folder })
  for (let said = ''; !said.includes('attempt 1 of 3');) said += String((await once(child.stderr!, 'data'))[0])
  child.kill('SIGINT')
  t.equal((await ended).code, 130)
  t.equal(openings(place), 1)
})
