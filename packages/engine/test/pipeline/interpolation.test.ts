import { truncateSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { askedFor, interpolate } from '../../src/pipeline/interpolation.ts'

function filled(value: string, folder = '/nowhere') {
  const problems: string[] = []
  const env = { NAME: 'value', EMPTY: '', NESTED: '${env:NAME}' }
  const result = interpolate(value, { env, folder, onProblem: (piece, message) => problems.push(`${piece} > ${message}`) })
  return { result, problems }
}

test('variables are filled in wherever they stand', async (t) => {
  t.same(filled('${env:NAME}'), { result: 'value', problems: [] })
  t.same(filled('a ${env:NAME} b ${env:EMPTY}${env:NAME}'), { result: 'a value b value', problems: [] })
  t.same(filled('none $NAME {env:NAME}'), { result: 'none $NAME {env:NAME}', problems: [] })
})

test('what is filled in is not looked at again', async (t) => {
  t.same(filled('${env:NESTED}'), { result: '${env:NAME}', problems: [] })
})

test('two dollar signs stand for one', async (t) => {
  t.same(filled('$${env:NAME}'), { result: '${env:NAME}', problems: [] })
})

test("a file's text is filled in without its last line break", async (t) => {
  const folder = t.testdir({ unix: 'one\ntwo\n\n', windows: 'one\r\n', bare: 'one', empty: '' })
  t.equal(filled('${file:unix}', folder).result, 'one\ntwo\n')
  t.equal(filled('${file:./windows}', folder).result, 'one')
  t.equal(filled(`\${file:${folder}/bare}`).result, 'one')
  t.same(filled('[${file:empty}]', folder), { result: '[]', problems: [] })
})

test('a long file is refused', async (t) => {
  const folder = t.testdir({})
  writeFileSync(`${folder}/long`, '')
  truncateSync(`${folder}/long`, 65536)
  t.equal(filled('${file:long}', folder).result.length, 65536)
  truncateSync(`${folder}/long`, 65537)
  t.same(filled('${file:long}', folder).problems, [`\${file:long} > ${folder}/long has more than 65536 bytes`])
  t.equal(filled('${file:/dev/zero}').problems.length, 1)
})

test('what has no value is told', async (t) => {
  const folder = t.testdir({ folder: {} })
  t.same(filled('${env:NONE}').problems, ['${env:NONE} > the environment has no variable NONE'])
  t.same(filled('${file:gone}').problems, ['${file:gone} > /nowhere/gone cannot be read (ENOENT)'])
  t.same(filled('${file:folder}', folder).problems, [`\${file:folder} > ${folder}/folder cannot be read (EISDIR)`])
  t.same(filled('${evn:NAME}').problems, ['${evn:NAME} > ${evn:NAME} is neither ${env:NAME} nor ${file:PATH}'])
  t.same(filled('${fil:x}').problems, ['${fil:x} > ${fil:x} is neither ${env:NAME} nor ${file:PATH}; nearest: file'])
  t.same(filled('${NAME}').problems, ['${NAME} > ${NAME} is neither ${env:NAME} nor ${file:PATH}'])
  t.same(filled('${env:}').problems, ['${env:} > ${env:} names nothing'])
  t.same(filled('${env:NAME').problems, ['${env:NAME > ${env:NAME has no closing brace'])
})

test('the names that a text asks for are known without filling them in', async (t) => {
  t.same(askedFor('${env:A} $${env:B} x${file:/c d}${env:}'), { env: ['A'], files: ['/c d'] })
  t.same(askedFor('plain'), { env: [], files: [] })
})
