import type { StageKind } from '@kpipe/engine/contracts'

/** A test that runs the conformance suite of the kind, with Node's own test runner. */
export function testOf(kind: StageKind): string {
  const suite = `${kind}Conformance`
  const { imports = [], before = [], subject = 'stage' } = bodies[kind] ?? {}
  return [
    ...imports,
    "import { test } from 'node:test'",
    `import { ${suite} } from '@kpipe/engine/testing'`,
    "import stage from '../src/stage.js'",
    '',
    ...before,
    `for (const { title, run } of ${suite}(${subject})) test(title, run)`,
    '',
  ].join('\n')
}

/** What a suite needs besides the stage. */
interface Body {
  readonly imports?: readonly string[]
  readonly before?: readonly string[]
  readonly subject?: string
}

const newFolder = ["const newFolder = () => mkdtemp(join(tmpdir(), 'stage-'))", '']
const folderImports = (fs: string) => [
  `import { ${fs} } from 'node:fs/promises'`,
  "import { tmpdir } from 'node:os'",
  "import { join } from 'node:path'",
]

const bodies: Partial<Record<StageKind, Body>> = {
  inspect: {
    before: ["const stream = Buffer.from('one line\\n'.repeat(1000))", "const chunking = { id: 'page/4096', pageBytes: 4096 }", ''],
    subject: 'stage, { stream, chunking, facts: { lines: 1000 } }',
  },
  source: {
    imports: ["import { randomBytes } from 'node:crypto'", ...folderImports('mkdtemp, writeFile')],
    before: [
      ...newFolder,
      'async function place() {',
      "  const path = join(await newFolder(), 'file')",
      '  const bytes = randomBytes(300_000)',
      '  await writeFile(path, bytes)',
      '  return { settings: { path }, bytes }',
      '}',
      '',
    ],
    subject: 'stage, place',
  },
  store: {
    imports: folderImports('mkdtemp'),
    before: [...newFolder, 'const place = async () => ({ settings: { path: await newFolder() } })', ''],
    subject: "stage, place, { module: import.meta.resolve('../src/stage.js') }",
  },
  target: {
    imports: folderImports('mkdtemp, readdir, readFile'),
    before: [
      ...newFolder,
      'async function place() {',
      '  const folder = await newFolder()',
      "  const path = join(folder, 'file')",
      '  return {',
      '    settings: { path },',
      '    visible: () => readFile(path).catch(() => undefined),',
      '    everything: () => readdir(folder),',
      '  }',
      '}',
      '',
    ],
    subject: 'stage, place',
  },
}
