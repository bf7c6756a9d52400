import { test } from 'tap'
import { pipelineInvalid } from '../../src/pipeline/problem.ts'

const messageOf = (text: string, start: number, end: number) => pipelineInvalid('f.yaml', text, [{ start, end, message: 'bad' }]).message

test('the place is told in lines and columns that begin at 1', async (t) => {
  t.equal(messageOf('ab\ncde\n', 4, 6), 'f.yaml:2:2: bad\n  2 | cde\n    |  ^^')
  t.equal(messageOf('ab\ncde\n', 7, 7), 'f.yaml:3:1: bad\n  3 | \n    | ^')
  t.equal(messageOf('', 0, 0), 'f.yaml:1:1: bad\n  1 | \n    | ^')
})

test('what goes on over the line is marked to its end', async (t) => {
  t.equal(messageOf('a: [1,\n2]\n', 3, 9), 'f.yaml:1:4: bad\n  1 | a: [1,\n    |    ^^^')
})

test('tabs and carriage returns do not shift the mark', async (t) => {
  t.equal(messageOf('a:\tbc\r\n', 3, 5), 'f.yaml:1:4: bad\n  1 | a: bc\n    |    ^^')
})

test('values of names that sound like secrets are hidden', async (t) => {
  for (const line of ['password: hunter2', '{ a: 1, "password": "hunter2", b }', "my-token: 'hunter2 x'", 'secretKey: hunter2 # hunter2']) {
    const message = messageOf(line, 0, 1)
    t.notMatch(message, /hunter2/, line)
    t.match(message, /\*\*\*/)
  }
})

test('values of settings that a stage calls secret are hidden, whatever their names', async (t) => {
  for (const line of ['pin: 4711', '{ a: 1, "pin": "4711", b }', "pin: '4711 4711'"]) {
    const { message } = pipelineInvalid('f.yaml', line, [{ start: 0, end: 1, message: 'bad' }], ['pin'])
    t.notMatch(message, /4711/, line)
    t.match(message, /\*\*\*/)
  }
  t.match(pipelineInvalid('f.yaml', 'spin: 4711', [{ start: 0, end: 1, message: 'bad' }], ['pin']).message, /spin: 4711/)
})

test('a very long line is cut', async (t) => {
  const message = messageOf(`a: ${'x'.repeat(1000)}`, 3, 1003)
  t.ok(message.length < 400)
  t.equal(messageOf(`a: ${'x'.repeat(1000)} y`, 1004, 1005), 'f.yaml:1:1005: bad')
})
