import type { StageKind } from '@kpipe/engine/contracts'

/** A test that runs the conformance suite of the kind, with Node's own test runner. */
export function testOf(kind: StageKind): string {
  const suite = `${kind}Conformance`
  const body = bodies[kind] ?? { before: [], subject: 'stage' }
  return [
    ...(body.imports ?? []),
    "import { test } from 'node:test'",
    `import { ${suite} } from '@kpipe/engine/testing'`,
    "import stage from '../src/stage.js'",
    '',
    ...body.before,
    `for (const { title, run } of ${suite}(${body.subject})) test(title, run)`,
    '',
  ].join('\n')
}

interface Body {
  readonly imports?: readonly string[]
  readonly before: readonly string[]
  readonly subject: string
}

const bodies: Partial<Record<StageKind, Body>> = {}
