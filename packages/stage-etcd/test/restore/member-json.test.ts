import { test } from 'tap'
import { goString, hexId, memberJson } from '../../src/restore/member-json.ts'

test('ids above 2^53 and what Go escapes come out as Go writes them', async (t) => {
  const id = 0xe765e731bd1bb1a3n
  t.equal(
    memberJson({ id, name: 'a<b>&"c"\u2028ü', peerUrls: ['http://x:1'] }),
    '{"id":16673987396221252003,"peerURLs":["http://x:1"],"name":"a\\u003cb\\u003e\\u0026\\"c\\"\\u2028ü"}',
  )
  t.equal(hexId(0x54c29dbd063cc6dn), '54c29dbd063cc6d', 'no leading zero')
  t.equal(goString('\u2029'), '"\\u2029"')
})
