import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { readClusterFile } from '../../src/restore-plan/cluster-file.ts'

test('everything that is wrong with a cluster file is told, with line and column', async (t) => {
  const file = join(t.testdir(), 'cluster.yaml')
  const wrong: [string, RegExp[]][] = [
    [
      'members:\n  - { name: a, peerUrl: https://a:2380 }\n',
      [/:2:7: "members\[0\]\.peerUrls" is missing/, /:2:16: "members\[0\]\.peerUrl" is unknown; nearest: peerUrls/],
    ],
    ['bump: 1\n', [/:1:1: "members" is missing/]],
    ['members: []\n', [/:1:10: "members" must not be empty/]],
    ['members: [\n', [/cluster\.yaml:/]],
    ['', [/the file is empty/]],
    ['dataDir: etcd\nmembers:\n  - { name: a, peerUrls: https://a:2380 }\n', [/:1:10: "dataDir" must match \^\//]],
    [
      `cert: /c
bump: often
members:
  - { name: a, peerUrls: https://a:2380 }
  - { name: a, peerUrls: [https://a:2380] }
  - { name: "c d", peerUrls: "https://c" }
`,
      [
        /:1:1: "cert" and "key" go together/,
        /:2:7: "bump" must be a number of revisions, or the word none/,
        /:5:13: "members\[1\]\.name" is that of another member, too/,
        /:5:26: "members\[1\]\.peerUrls" has https:\/\/a:2380, as another member has/,
        /:6:13: "members\[2\]\.name" must be of letters, digits and /,
        /:6:30: "members\[2\]\.peerUrls" must be of the form https:\/\/host:port, and "https:\/\/c" is not/,
      ],
    ],
  ]
  for (const [text, messages] of wrong) {
    writeFileSync(file, text)
    const error = await readClusterFile(file).then(
      () => t.fail(text),
      (thrown: Error & { code: string }) => thrown,
    )
    t.match(error, { code: 'KPIPE_PIPELINE_INVALID', hint: /^Correct the file/ })
    for (const message of messages) t.match((error as Error).message, message)
  }
  await t.rejects(readClusterFile(join(t.testdirName, 'none.yaml')), {
    code: 'KPIPE_PIPELINE_MISSING',
    message: /^cluster file .* cannot be read/,
  })
})

test('a cluster file may say much once, and URLs as text or list', async (t) => {
  const file = join(t.testdir(), 'cluster.yaml')
  writeFileSync(
    file,
    'etcd: etcd.service\nmembers:\n  - { name: a, peerUrls: "https://a:2380,https://a2:2380", clientUrls: ["http://[::1]:2379"] }\n',
  )
  t.match(await readClusterFile(file), { etcd: 'etcd.service', members: [{ name: 'a', clientUrls: ['http://[::1]:2379'] }] })
})
