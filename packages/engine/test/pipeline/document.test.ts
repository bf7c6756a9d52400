import { test } from 'tap'
import { parseDocument } from '../../src/pipeline/document.ts'
import type { Problem } from '../../src/pipeline/problem.ts'

async function parse(text: string) {
  const problems: Problem[] = []
  const document = await parseDocument(text, problems, (value) => value)
  return { document, problems: problems.map(({ start, message }) => `${start}: ${message}`) }
}

test('values are plain', async (t) => {
  const { document, problems } = await parse('a: 1\nb: [x, "y", true, null, 0x10]\nc: { d: }\ne: yes\n')
  t.same(document?.value, { a: 1, b: ['x', 'y', true, null, 16], c: { d: null }, e: 'yes' })
  t.same(problems, [])
})

test('every value and every name knows its place', async (t) => {
  const text = 'a: 1\nlist:\n  - use: x\n  - word\nmap: { empty: , last: 2 }\n'
  const { document } = await parse(text)
  const textAt = (path: (string | number)[], at: 'key' | 'value') => {
    const { start, end } = document?.rangeOf(path, at) ?? { start: 0, end: 0 }
    return `${start} ${text.slice(start, end)}`
  }
  t.equal(textAt(['a'], 'value'), '3 1')
  t.equal(textAt(['a'], 'key'), '0 a')
  t.equal(textAt(['list', 0, 'use'], 'value'), '20 x')
  t.equal(textAt(['list', 0], 'key'), '15 use')
  t.equal(textAt(['list', 1], 'value'), '26 word')
  t.equal(textAt(['map', 'empty'], 'value'), '38 empty')
  t.equal(textAt(['map', 'gone'], 'key'), '31 map')
  t.equal(textAt(['map', 'gone', 'deeper', 3], 'value'), '31 map')
  t.equal(textAt([], 'key'), '0 a')
  t.equal(textAt(['gone'], 'key'), '0 a')
})

test('text that is not YAML gives its errors and no values', async (t) => {
  const { document, problems } = await parse('a: [1, 2\nb: {\n')
  t.equal(document, undefined)
  t.ok(problems.length >= 2)
})

test('a name that stands twice is an error, and the rest is read', async (t) => {
  const { document, problems } = await parse('a: 1\nb: 2\na: 3\n')
  t.same(problems, ['10: Map keys must be unique'])
  t.match(document?.value, { b: 2 })
})

test('a second document is an error', async (t) => {
  t.match((await parse('a: 1\n---\nb: 2\n')).problems, [/^5: Source contains multiple documents/])
})

test('aliases are followed, but not without end', async (t) => {
  t.same((await parse('a: &x { b: 1 }\nc: *x\n')).document?.value, { a: { b: 1 }, c: { b: 1 } })
  const bomb = Array.from(
    { length: 9 },
    (_, i) =>
      `a${i}: &a${i} [${Array(9)
        .fill(i === 0 ? 'x' : `*a${i - 1}`)
        .join(', ')}]`,
  )
  t.same((await parse(bomb.join('\n'))).problems, ['0: the file holds more than 5000 values or goes deeper than 50, aliases followed'])
  t.same((await parse('a: &x [*x]\n')).problems, ['0: the file holds more than 5000 values or goes deeper than 50, aliases followed'])
})

test('a name that means something to the language is a name', async (t) => {
  const { document } = await parse('__proto__: { polluted: 1 }\n')
  t.same(Object.keys(document?.value as object), ['__proto__'])
  t.equal(({} as { polluted?: number }).polluted, undefined)
})
