import type { Readable } from 'node:stream'
import { Parser, type Result } from 'tap-parser'

export interface TestFile {
  readonly name: string
  readonly passed: number
  /** A text for each test that failed. */
  readonly failures: readonly string[]
  readonly seconds: number
}

interface Found {
  points: number
  readonly failures: string[]
}

/**
 * Counts tests in TAP as the tap runner writes it: a file is a subtest of the stream, a test is what stands directly in a file.
 * Skipped and todo, at any depth, count as failed; so do a test without a point, a file without tests, one that ended badly, and a bail out.
 */
export function countTap(input: Readable, onFile: (file: TestFile) => void): Promise<{ passed: number; failed: number }> {
  const parser = new Parser()
  const total = { passed: 0, failed: 0 }
  const close = (file: TestFile) => {
    total.passed += file.passed
    total.failed += file.failures.length
    onFile(file)
  }
  let file: { passed: number; failures: string[] } | undefined
  parser.on('child', (child: Parser) => (file = watchFile(child)))
  parser.on('assert', (result: Result) => {
    const { passed, failures } = file ?? { passed: 0, failures: [] }
    file = undefined
    const rests = unfinished(result)
    if (rests) failures.push(rests)
    else if (!result.ok && failures.length === 0) failures.push(describe(result))
    else if (passed + failures.length === 0) failures.push('no tests')
    close({ name: result.name, passed, failures, seconds: (result.time ?? 0) / 1000 })
  })
  parser.on('bailout', (reason: string) => {
    close({ name: 'bail out', passed: 0, failures: [reason], seconds: 0 })
  })
  input.pipe(parser)
  return new Promise((resolve) => parser.once('complete', () => resolve(total)))
}

function watchFile(parser: Parser): { passed: number; failures: string[] } {
  const file = { passed: 0, failures: [] as string[] }
  let inside: Found | undefined
  parser.on('child', (child: Parser) => (inside = watchTest(child)))
  parser.on('assert', (result: Result) => {
    const { points, failures } = inside ?? { points: 1, failures: [] }
    inside = undefined
    const rests = unfinished(result)
    if (rests) failures.push(rests)
    else if (!result.ok && failures.length === 0) failures.push(describe(result))
    else if (points === 0) failures.push('asserts nothing')
    if (failures.length === 0) file.passed += 1
    else file.failures.push([result.name, ...failures].join('\n').replaceAll('\n', '\n  '))
  })
  return file
}

/** Gathers everything below a test that is not a plain ok. */
function watchTest(parser: Parser, test: Found = { points: 0, failures: [] }): Found {
  let before = 0
  parser.on('child', (child: Parser) => {
    before = test.failures.length
    watchTest(child, test)
  })
  parser.on('assert', (result: Result) => {
    test.points += 1
    const rests = unfinished(result)
    const toldInside = test.failures.length > before
    if (rests) test.failures.push(`${result.name}: ${rests}`)
    else if (!result.ok && !toldInside) test.failures.push(describe(result))
    before = test.failures.length
  })
  return test
}

function unfinished({ skip, todo }: Result): string | undefined {
  if (skip) return `skipped${typeof skip === 'string' ? ` (${skip})` : ''}`
  if (todo) return `todo${typeof todo === 'string' ? ` (${todo})` : ''}`
  return undefined
}

/** Name, place, and what tap knows of a failed point; the lines of source around it are left out. */
function describe({ name, diag }: Result): string {
  if (!diag || typeof diag === 'string') return [name, diag].filter(Boolean).join('\n  ')
  const { at, source: _, diff, stack, ...rest } = diag
  const place = at ? ` (${at.fileName}:${at.lineNumber})` : ''
  const facts = Object.entries(rest).map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const lines = [diff, ...facts, stack].filter(Boolean).join('\n').trimEnd()
  return `${name}${place}\n${lines}`.replaceAll('\n', '\n  ')
}
