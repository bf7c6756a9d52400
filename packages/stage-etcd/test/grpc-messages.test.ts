import { randomBytes } from 'node:crypto'
import t from 'tap'
import { splitMessages } from '../src/grpc-messages.ts'
import { framed } from './fake-etcd.ts'

function split(pieces: readonly Uint8Array[], max = 1000): { messages: Buffer[]; wrong: string | undefined; partial: boolean } {
  const messages: Buffer[] = []
  const splitter = splitMessages(max, (message, bytes) => {
    messages.push(Buffer.concat(message))
    if (messages.at(-1)?.length !== bytes) throw new Error('length told and length handed on differ')
  })
  let wrong: string | undefined
  for (const piece of pieces) wrong ??= splitter.push(piece)
  return { messages, wrong, partial: splitter.partial() }
}

const messages = [randomBytes(3), Buffer.alloc(0), randomBytes(7), Buffer.alloc(0), Buffer.alloc(0), randomBytes(1)]
const wire = Buffer.concat(messages.map((message) => framed(message)))

t.test('messages are found wherever two cuts fall', async (t) => {
  for (let first = 0; first <= wire.length; first += 1) {
    for (let second = first; second <= wire.length; second += 1) {
      const found = split([wire.subarray(0, first), wire.subarray(first, second), wire.subarray(second)])
      if (found.wrong !== undefined || found.partial || !Buffer.concat(found.messages).equals(Buffer.concat(messages))) {
        t.fail(`cut at ${first} and ${second}`)
      }
      if (found.messages.length !== messages.length) t.fail(`${found.messages.length} messages with cuts at ${first} and ${second}`)
    }
  }
  t.pass(`${wire.length} bytes`)
})

t.test('messages are found when every byte comes alone', async (t) => {
  t.same(split([...wire].map((byte) => Uint8Array.of(byte))).messages, messages)
})

t.test('a message that has begun and not ended is told', async (t) => {
  for (let length = 1; length < 8; length += 1) t.equal(split([wire.subarray(0, length)]).partial, true, `${length} bytes`)
  t.equal(split([wire.subarray(0, 8)]).partial, false)
})

t.test('compressed messages, unknown flags and messages beyond the bound are refused', async (t) => {
  t.match(split([framed(Buffer.from('x'), 1)]).wrong, /compressed/)
  t.match(split([framed(Buffer.from('x'), 7)]).wrong, /flag 7/)
  t.match(split([framed(Buffer.alloc(1001))]).wrong, /1001 bytes where 1000 are the most/)
  t.equal(split([framed(Buffer.alloc(1000))]).wrong, undefined)
})
