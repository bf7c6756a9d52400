import { createHash } from 'node:crypto'
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { goldens } from '../../packages/repository/test/golden/golden.ts'
import { testFolder } from '../../test/support/folder.ts'
import { reader, restoredBy, secret } from './python-reader.ts'
import { readsAll } from './reads-all.ts'

for (const golden of goldens()) {
  test(`a program in Python restores the golden repository ${golden.name}`, (t) => readsAll(t, golden.folder, golden))
}

test('what cannot be done is told in one sentence, with the exit code of kpipe', async (t) => {
  const { folder, secrets, snapshots } = goldens().find(({ name }) => name === 'keys')!
  const [repository, own, place] = [join(folder, 'repository'), testFolder(t), (name: string) => join(own, name)]
  const [id, key] = [snapshots[0]!.id, secret(folder, 'key')]
  writeFileSync(place('there'), 'already')
  writeFileSync(place('wrong password'), 'wrong horse\n')
  writeFileSync(place('mistyped phrase'), readFileSync(join(folder, 'phrase.txt'), 'utf8').replace(/[2-9]/, '1'))
  const another = goldens().find(({ name }) => name === 'plain')!.folder
  t.ok(secrets.includes('password'))

  const cases: readonly [code: number, says: RegExp, words: readonly string[]][] = [
    [12, /no key slot of the repository opens with this key-file$/, ['list', repository, ...secret(another, 'key')]],
    [12, /no key slot of the repository opens with this recovery-phrase$/, ['list', repository, ...secret(another, 'phrase')]],
    [12, /no key slot of the repository opens with this password$/, ['list', repository, '--password-file', place('wrong password')]],
    [12, /the recovery phrase has a mistake$/, ['list', repository, '--phrase-file', place('mistyped phrase')]],
    [12, /the key file is not whole$/, ['list', repository, '--key-file', place('there')]],
    [12, /cannot be read/, ['list', repository, '--key-file', place('missing')]],
    [64, /no snapshot has an id that begins with 0000$/, ['restore', repository, '0000', '-to', place('back'), ...key]],
    [64, /3 snapshots have ids that begin with that$/, ['restore', repository, '', '-to', place('back'), ...key]],
    [64, /snapshot [0-9a-f]{12} has no attachment nix$/, ['restore', repository, id, '-to', place('back'), '--attachment', 'nix', ...key]],
    [64, /there is there already$/, ['restore', repository, id, '-to', place('there'), ...key]],
    [64, /the following arguments are required: -to/, ['restore', repository, id, ...key]],
    [75, /no-folder\/back.part: No such file or directory$/, ['restore', repository, id, '-to', place('no-folder/back'), ...key]],
    [10, /is not a repository of kpipe$/, ['list', own, ...key]],
  ]
  for (const [code, says, words] of cases) {
    const ended = await reader(words)
    t.equal(ended.code, code, ended.stderr)
    t.match(ended.stderr.trim(), says)
    t.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr)
  }
  t.equal(readFileSync(place('there'), 'utf8'), 'already')
  t.same(readdirSync(own).toSorted(), ['mistyped phrase', 'there', 'wrong password'], 'and nothing is left behind')
})

test('another draft of the format is refused with its number', async (t) => {
  const { folder } = goldens()[0]!
  const repository = copied(t, folder)
  const marker = readFileSync(join(repository, 'repository'))
  marker.writeUInt16LE(marker.readUInt16LE(10) + 1, 10)
  createHash('sha256')
    .update(marker.subarray(0, -32))
    .digest()
    .copy(marker, marker.length - 32)
  writeFileSync(join(repository, 'repository'), marker)
  const ended = await reader(['list', repository, ...secret(folder, 'key')])
  t.equal(ended.code, 78)
  t.match(ended.stderr, /format 1 draft 4, and this reads format 1 draft 3$/m)
})

test('a flipped byte in any object is noticed by the program in Python, or does no harm', async (t) => {
  const { folder, snapshots } = goldens().find(({ name }) => name === 'blake3')!
  const repository = copied(t, folder)
  const file = join(testFolder(t), 'back')
  const [{ id, sha256 }, key] = [snapshots.at(-1)!, secret(folder, 'key')]
  let noticed = 0
  const objects = readdirSync(repository, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const object of objects) {
    const path = join(object.parentPath, object.name)
    const whole = readFileSync(path)
    for (const at of [20, Math.floor(whole.length / 2), whole.length - 5]) {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 0x10
      writeFileSync(path, flipped)
      const restored = await restoredBy(repository, id, key, file)
      t.match(String(restored.code), /^(0|3|64|65)$/, `${path} at ${at}: ${restored.stderr}`)
      t.equal(restored.sha256, restored.code === 0 || restored.code === 3 ? sha256 : undefined, `${path} at ${at}: nothing else shows`)
      noticed += restored.code === 0 ? 0 : 1
    }
    writeFileSync(path, whole)
  }
  t.ok(noticed > objects.length, `${noticed} were noticed`)
})

test('a log entry that is missing is told beside what is restored', async (t) => {
  const { folder, snapshots } = goldens().find(({ name }) => name === 'keys')!
  const repository = copied(t, folder)
  // The first change of the keys, after two backups; later ones list all slots again.
  rmSync(join(repository, 'log/00000000000000000005'))
  for (const { id, sha256 } of snapshots) {
    const restored = await restoredBy(repository, id, secret(folder, 'key'), join(testFolder(t), 'back'))
    t.equal(restored.code, 3, restored.stderr)
    t.match(restored.stderr, /log entry 5 is lost/)
    t.equal(restored.sha256, sha256)
  }
})

function copied(t: { after(done: () => void): void }, folder: string): string {
  const repository = join(testFolder(t), 'repository')
  cpSync(join(folder, 'repository'), repository, { recursive: true })
  return repository
}
