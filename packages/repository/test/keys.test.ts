import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createKeyFile, newRecoveryPhrase, parseRecoveryPhrase, readKeyFile, readPhraseFile } from '../src/index.ts'
import { formatRecoveryPhrase, recoveryPhraseSecret } from '../src/keys/recovery-phrase.ts'
import { publicKeyOf, sharedSecret } from '../src/keys/x25519.ts'
import { codeOf, noise } from './made-repository.ts'
import { scratchFolder } from './scratch-folder.ts'

test('a phrase says the same in any case, with spaces, dashes or none, and with letters that look like digits', async (t) => {
  for (let round = 0; round < 200; round++) {
    const secret = noise(32, `phrase${round}`)
    const phrase = formatRecoveryPhrase(secret)
    t.match(phrase, /^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/)
    const sloppy = ` ${phrase.toLowerCase().replaceAll('-', round % 2 ? '  ' : '')}\n`
      .replaceAll('0', 'o')
      .replaceAll('1', round % 3 ? 'l' : 'I')
    if (!recoveryPhraseSecret(sloppy).equals(secret)) t.fail(sloppy)
  }
})

test('every single wrong symbol and every swap of neighbours in a phrase is noticed', async (t) => {
  const phrase = formatRecoveryPhrase(noise(32, 'typo')).replaceAll('-', '')
  let tried = 0
  for (let at = 0; at < phrase.length; at++) {
    for (const symbol of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
      if (symbol === phrase[at]) continue
      tried += 1
      if ((await codeOf(() => recoveryPhraseSecret(phrase.slice(0, at) + symbol + phrase.slice(at + 1)))) !== 'KPIPE_KEY_MALFORMED')
        t.fail(`${at} ${symbol}`)
    }
    const swapped = phrase.slice(0, at) + (phrase[at + 1] ?? '') + phrase[at] + phrase.slice(at + 2)
    if (swapped !== phrase && (await codeOf(() => recoveryPhraseSecret(swapped))) !== 'KPIPE_KEY_MALFORMED') t.fail(`swap at ${at}`)
  }
  t.equal(tried, 56 * 31)
})

test('a phrase that is too short, too long or has a foreign symbol says so', async (t) => {
  const phrase = newRecoveryPhrase()
  t.throws(() => parseRecoveryPhrase(phrase.slice(0, -1)), { code: 'KPIPE_KEY_MALFORMED', message: /has 55 symbols, not 56/ })
  t.throws(() => parseRecoveryPhrase(`${phrase}0`), { code: 'KPIPE_KEY_MALFORMED' })
  t.throws(() => parseRecoveryPhrase(phrase.replace('-', 'U')), { code: 'KPIPE_KEY_MALFORMED', message: /"U"/ })
  t.throws(() => parseRecoveryPhrase(''), { code: 'KPIPE_KEY_MALFORMED' })
})

test('a key file is made once, with mode 0600, in folders of mode 0700, and read back', async (t) => {
  const folder = scratchFolder()
  const path = join(folder, 'etc', 'kpipe', 'repository.key')
  const made = await createKeyFile(path)
  t.same(await readKeyFile(path), made)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(join(folder, 'etc')).mode & 0o777, 0o700)
  t.equal(statSync(path).nlink, 1)
  t.same(readdirSync(join(folder, 'etc', 'kpipe')), ['repository.key'])
  const before = readFileSync(path)
  t.equal(await codeOf(() => createKeyFile(path)), 'KPIPE_TARGET_EXISTS')
  t.ok(readFileSync(path).equals(before))
  t.match(before.toString(), /^kpipe-key:1:[0-9a-f]{64}:[0-9a-f]{8}\n$/)
})

test('a key file that is missing, cut off, altered, foreign or a folder is told apart', async (t) => {
  const folder = scratchFolder()
  const path = join(folder, 'a.key')
  await createKeyFile(path)
  const text = readFileSync(path, 'utf8')
  const cases = [
    ['', /empty/],
    [text.slice(0, 40), /may be cut off/],
    [text.replace(/:1:./, (start) => start.slice(0, 3) + (start[3] === 'a' ? 'b' : 'a')), /checksum/],
    [text.replace(':1:', ':2:'), /version/],
    ['-----BEGIN CERTIFICATE-----', /PEM/],
    [text + text, /./],
    ['secret', /does not begin/],
  ] as const
  for (const [content, message] of cases) {
    writeFileSync(path, content)
    await t.rejects(readKeyFile(path), { code: 'KPIPE_KEY_MALFORMED', message })
  }
  writeFileSync(path, text.replace('\n', '\r\n'))
  t.equal((await readKeyFile(path)).kind, 'key-file')
  t.equal(await codeOf(() => readKeyFile(join(folder, 'none'))), 'KPIPE_KEY_MISSING')
  t.equal(await codeOf(() => readKeyFile(folder)), 'KPIPE_KEY_UNREADABLE')
  chmodSync(folder, 0o700)
})

test('a phrase file is read with its line end', async (t) => {
  const path = join(scratchFolder(), 'phrase')
  const phrase = newRecoveryPhrase()
  writeFileSync(path, `${phrase}\n`)
  t.same(await readPhraseFile(path), { kind: 'recovery-phrase', phrase })
  t.equal(await codeOf(() => readPhraseFile(`${path}x`)), 'KPIPE_KEY_MISSING')
})

test('X25519 gives the values of RFC 7748, section 6.1', async (t) => {
  const alicePublic = Buffer.from('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a', 'hex')
  const bob = Buffer.from('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb', 'hex')
  t.equal(publicKeyOf(bob).toString('hex'), 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
  t.equal(sharedSecret(bob, alicePublic).toString('hex'), '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
  t.throws(() => sharedSecret(bob, new Uint8Array(32)), 'a key of small order')
})
