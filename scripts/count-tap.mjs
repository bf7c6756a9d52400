/**
 * Counts tests in TAP as the tap runner writes it: a file is a subtest of the stream, a test is what stands directly in a file.
 * Skipped and todo, at any depth, count as failed; so do a file without tests, one that ended badly, and a bail out.
 *
 * @param {new () => any} Parser of the package tap-parser
 * @param {(file: { name: string, passed: number, failures: string[], seconds: number }) => void} onFile called as files end
 */
export function countTap(Parser, input, onFile) {
  const parser = new Parser()
  const total = { passed: 0, failed: 0, files: 0 }
  let file
  parser.on('child', (child) => (file = watchFile(child)))
  parser.on('assert', (result) => {
    const { passed = 0, failures = [] } = file ?? {}
    file = undefined
    const rests = unfinished(result)
    if (rests) failures.push(`${result.name}: ${rests}`)
    else if (!result.ok && failures.length === 0) failures.push(describe(result))
    else if (passed + failures.length === 0) failures.push(`${result.name}: no tests`)
    total.passed += passed
    total.failed += failures.length
    total.files += 1
    onFile({ name: result.name, passed, failures, seconds: (result.time ?? 0) / 1000 })
  })
  parser.on('bailout', (reason) => {
    total.failed += 1
    onFile({ name: 'bail out', passed: 0, failures: [reason || 'bail out'], seconds: 0 })
  })
  input.pipe(parser)
  return new Promise((resolve) => parser.once('complete', () => resolve(total)))
}

function watchFile(parser) {
  const file = { passed: 0, failures: [] }
  let inside
  parser.on('child', (child) => (inside = watchTest(child)))
  parser.on('assert', (result) => {
    const { points = 1, failures = [] } = inside ?? {}
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
function watchTest(parser, test = { points: 0, failures: [] }) {
  let before = 0
  parser.on('child', (child) => {
    before = test.failures.length
    watchTest(child, test)
  })
  parser.on('assert', (result) => {
    test.points += 1
    const rests = unfinished(result)
    const toldInside = test.failures.length > before
    if (rests) test.failures.push(`${result.name}: ${rests}`)
    else if (!result.ok && !toldInside) test.failures.push(describe(result))
    before = test.failures.length
  })
  return test
}

function unfinished({ skip, todo }) {
  if (skip) return `skipped${typeof skip === 'string' ? ` (${skip})` : ''}`
  if (todo) return `todo${typeof todo === 'string' ? ` (${todo})` : ''}`
  return undefined
}

/** Name, place, and what tap knows of a failed point; the lines of source around it are left out. */
function describe({ name, diag }) {
  if (!diag || typeof diag === 'string') return [name, diag].filter(Boolean).join('\n  ')
  const { at, source: _, diff, stack, ...rest } = diag
  const place = at ? ` (${at.fileName}:${at.lineNumber})` : ''
  const facts = Object.entries(rest).map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const lines = [diff, ...facts, stack].filter(Boolean).join('\n').trimEnd()
  return `${name}${place}\n${lines}`.replaceAll('\n', '\n  ')
}
