import { randomBytes } from 'node:crypto'
import { constants } from 'node:http2'
import t, { type Test } from 'tap'
import { setTimeout as delay } from 'node:timers/promises'
import { blobMessage, fakeEtcd, framed, playSnapshot, snapshotMessages, trailerOf, type FakeEtcd, type Play } from './fake-etcd.ts'
import { failureOf, reading } from './reading.ts'

async function serving(t: Test, snapshot: Play): Promise<FakeEtcd> {
  const etcd = await fakeEtcd({ snapshot })
  t.teardown(() => etcd.close())
  return etcd
}

async function stored(etcd: FakeEtcd): Promise<Buffer> {
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  try {
    const bytes = await into.all(stream)
    if (bytes.length !== stream.bytes) throw new Error(`${bytes.length} bytes came, ${stream.bytes} were announced`)
    await stream.end()
    return bytes
  } finally {
    await stream.close()
  }
}

const withTrailer = (data: Uint8Array): Buffer => Buffer.concat([data, trailerOf(data)])

t.test('blobs of any size give the same stream, empty ones and one that holds all included', async (t) => {
  const data = randomBytes(5000)
  for (const sizes of [[], [1], [0], [0, 0, 1, 0, 4998], [32], [33, 31], Array.from({ length: 2500 }, () => 2), [5000]]) {
    const etcd = await serving(t, playSnapshot(data, sizes))
    t.ok((await stored(etcd)).equals(withTrailer(data)), `blobs of ${sizes.slice(0, 5).join(', ')}`)
    t.equal(etcd.played, 1)
  }
})

t.test('what comes in many messages is handed on in few pieces, and what stays behind is not kept back', async (t) => {
  const data = randomBytes(2 << 20)
  const wire = Buffer.concat(
    snapshotMessages(
      data,
      Array.from({ length: 1024 }, () => 2048),
    ),
  )
  const etcd = await serving(t, async (call) => {
    await call.write(wire)
    call.end()
  })
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  const lengths: number[] = []
  for await (const piece of stream.read()) {
    lengths.push(piece.length)
    into.take(piece)
  }
  await stream.close()
  t.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    data.length + 32,
  )
  t.ok(lengths.length < 64, `${lengths.length} pieces of 1024 messages`)

  const [first = new Uint8Array(0), ...rest] = snapshotMessages(data, [10, 20])
  const slow = await serving(t, async (call) => {
    await call.write(first)
    await handedOn.promise
    for (const message of rest) await call.write(message)
    call.end()
  })
  const handedOn = Promise.withResolvers<void>()
  const slowly = reading()
  const trickle = await slowly.open({ endpoints: [slow.address] })
  const pieces = trickle.read()[Symbol.asyncIterator]()
  const { value: begun } = await pieces.next()
  t.equal(begun?.length, 10, 'although no more has come')
  slowly.take(begun!)
  handedOn.resolve()
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) slowly.take(next.value)
  t.equal(slowly.taken, data.length + 32)
  await trickle.close()
})

t.test('a database of no bytes and one of one byte are streams like others', async (t) => {
  for (const data of [Buffer.alloc(0), Buffer.from('x')]) {
    const etcd = await serving(t, playSnapshot(data))
    t.ok((await stored(etcd)).equals(withTrailer(data)), `${data.length} bytes`)
  }
})

t.test('the stream is the same wherever the frames are cut', async (t) => {
  const data = randomBytes(40)
  const wire = Buffer.concat(snapshotMessages(data, [17, 0, 11]))
  for (let cut = 1; cut < wire.length; cut += 1) {
    const etcd = await fakeEtcd({
      async snapshot(call) {
        await call.write(wire.subarray(0, cut))
        await call.write(wire.subarray(cut))
        call.end()
      },
    })
    const bytes = await stored(etcd)
    await etcd.close()
    if (!bytes.equals(withTrailer(data))) t.fail(`cut at ${cut}`)
  }
  const etcd = await serving(t, async (call) => {
    for (const byte of wire) await call.write(Uint8Array.of(byte))
    call.end()
  })
  t.ok((await stored(etcd)).equals(withTrailer(data)), 'every byte in a frame of its own')
})

t.test('data and trailer in one blob are told apart', async (t) => {
  const data = randomBytes(100)
  const etcd = await serving(t, async (call) => {
    // The first blob tells 100 bytes in all; the second holds the rest of them and half of the trailer.
    await call.write(blobMessage(60, data.subarray(0, 40)))
    await call.write(blobMessage(0, Buffer.concat([data.subarray(40), trailerOf(data).subarray(0, 16)])))
    await call.write(blobMessage(0, trailerOf(data).subarray(16)))
    call.end()
  })
  t.ok((await stored(etcd)).equals(withTrailer(data)))
})

t.test('the digest is asked for once, when all data bytes are taken and nothing more', async (t) => {
  const etcd = await serving(t, playSnapshot(randomBytes(70_000), [32768, 32768]))
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  await into.all(stream)
  await stream.close()
  t.same(into.digestAsked, [70_000])
})

t.test('a trailer that does not match is found and not handed on', async (t) => {
  const data = randomBytes(1000)
  const wrong = trailerOf(data)
  wrong[31] ^= 1
  const etcd = await serving(t, async (call) => {
    for (const message of snapshotMessages(data, [600], wrong)) await call.write(message)
    call.end()
  })
  const into = reading()
  t.match(await failureOf({ endpoints: [etcd.address] }, into), {
    code: 'KPIPE_TRAILER_MISMATCH',
    message: /does not match its 1000 bytes/,
  })
  t.equal(into.taken, 1000)
  t.equal(etcd.played, 1)
})

t.test('one flipped data byte is found by the trailer', async (t) => {
  const data = randomBytes(1000)
  const flipped = Buffer.from(data)
  flipped[500] ^= 1
  const etcd = await serving(t, async (call) => {
    for (const message of snapshotMessages(flipped, [600], trailerOf(data))) await call.write(message)
    call.end()
  })
  t.match(await failureOf({ endpoints: [etcd.address] }), { code: 'KPIPE_TRAILER_MISMATCH' })
  t.equal(etcd.played, 1)
})

t.test('a stream that ends well and too early, or goes on, has the wrong size', async (t) => {
  const data = randomBytes(1000)
  const [first, second, trailer] = snapshotMessages(data, [600])
  const short: [string, Buffer[], RegExp][] = [
    ['without its trailer', [first, second], /ended the stream after 1000 of 1032 bytes/],
    ['in the middle', [first], /ended the stream after 600 of 1032/],
    ['inside the trailer', [first, second, blobMessage(0, trailerOf(data).subarray(0, 31))], /after 1031 of 1032/],
    ['one byte more', [first, second, trailer, blobMessage(0, Buffer.from('x'))], /1 bytes more come after 1032 of 1032/],
    ['more data than told', [first, second, blobMessage(0, data)], /1000 bytes more come after 1000 of 1032/],
  ]
  for (const [what, messages, seen] of short) {
    const etcd = await serving(t, async (call) => {
      for (const message of messages) await call.write(message)
      call.end()
    })
    t.match(await failureOf({ endpoints: [etcd.address] }), { code: 'KPIPE_SIZE_MISMATCH', message: seen }, what)
    t.equal(etcd.played, 1)
  }
})

t.test('a status other than OK after the last byte is a stream that died', async (t) => {
  const etcd = await serving(t, async (call) => {
    for (const message of snapshotMessages(randomBytes(1000))) await call.write(message)
    call.end(13, 'disk gone')
  })
  const failure = await failureOf({ endpoints: [etcd.address] })
  t.match(failure, { code: 'KPIPE_SOURCE_DIED', message: /INTERNAL "disk gone" after 1032 of 1032/ })
})

t.test('a stream that is reset, or whose connection goes, died with so many bytes', async (t) => {
  const data = randomBytes(1000)
  const [first] = snapshotMessages(data, [600])
  const ends: [string, Play, RegExp][] = [
    ['reset', (call) => call.stream.close(constants.NGHTTP2_INTERNAL_ERROR), /reset \(INTERNAL_ERROR\) after 600 of 1032/],
    ['socket destroyed', (call) => call.session.socket.destroy(), /connection .*after 600 of 1032/],
    ['session closed', (call) => call.session.destroy(), /after 600 of 1032/],
    [
      'sent away',
      (call) => call.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings')),
      /GOAWAY ENHANCE_YOUR_CALM "too_many_pings" after 600/,
    ],
    ['no status', (call) => void call.stream.end(), /without a status after 600 of 1032/],
  ]
  for (const [what, end, seen] of ends) {
    const into = reading()
    let arrived = (): void => {}
    const taken = new Promise<void>((resolve) => (arrived = resolve))
    const etcd = await serving(t, async (call) => {
      if (what === 'no status') call.stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
      await call.write(first)
      await taken
      await end(call)
    })
    const stream = await into.open({ endpoints: [etcd.address] })
    const failure = await (async () => {
      for await (const piece of stream.read()) {
        into.take(piece)
        arrived()
      }
    })().catch((error: Error) => error)
    await stream.close()
    t.match(failure, { code: 'KPIPE_SOURCE_DIED', message: seen }, what)
    t.match(failure, { details: { received_bytes: 600, expected_bytes: 1032, endpoint: etcd.address } }, what)
    t.equal(etcd.played, 1)
  }
})

t.test('a message that stops in the middle is a stream that died', async (t) => {
  const [first, second] = snapshotMessages(randomBytes(1000), [600])
  const etcd = await serving(t, async (call) => {
    await call.write(Buffer.concat([first, second.subarray(0, 100)]))
    call.end()
  })
  t.match(await failureOf({ endpoints: [etcd.address] }), { code: 'KPIPE_SOURCE_DIED', message: /middle of a message after 600 of 1032/ })
})

t.test('empty blobs for ever are a stall, and so is silence', async (t) => {
  const [first] = snapshotMessages(randomBytes(1000), [600])
  let sent = 0
  const empty = await serving(t, async (call) => {
    await call.write(first)
    while (!call.stream.destroyed) {
      await call.write(blobMessage(400, Buffer.alloc(0)))
      sent += 1
    }
  })
  t.match(await failureOf({ endpoints: [empty.address] }), {
    code: 'KPIPE_SOURCE_STALLED',
    message: /16 empty blobs in a row after 600 of 1032/,
  })
  t.ok(sent >= 16)
  const silent = await serving(t, (call) => call.write(first))
  const failure = await failureOf({ endpoints: [silent.address], idleTimeout: 0.1 })
  t.match(failure, { code: 'KPIPE_SOURCE_STALLED', message: /no progress within 0.1 s after 600 of 1032/ })
  t.equal(silent.played, 1)
})

t.test('empty blobs now and then do not count as progress', async (t) => {
  const [first] = snapshotMessages(randomBytes(1000), [600])
  const etcd = await serving(t, async (call) => {
    await call.write(first)
    while (!call.stream.destroyed) {
      await delay(100)
      await call.write(blobMessage(400, Buffer.alloc(0)))
    }
  })
  const failure = await failureOf({ endpoints: [etcd.address], idleTimeout: 0.4 })
  t.match(failure, { code: 'KPIPE_SOURCE_STALLED', message: /no progress within 0.4 s/ })
})

t.test('fifteen empty blobs in a row, again and again, are no stall', async (t) => {
  const data = randomBytes(100)
  const etcd = await serving(t, playSnapshot(data, [10, ...Array(15).fill(0), 10, ...Array(15).fill(0), 10]))
  t.ok((await stored(etcd)).equals(withTrailer(data)))
})

t.test('the time that the reader takes is not counted as silence', async (t) => {
  const [first, ...others] = snapshotMessages(randomBytes(100), [50])
  const back = Promise.withResolvers<void>()
  const etcd = await serving(t, async (call) => {
    await call.write(first)
    await back.promise
    await delay(50)
    for (const message of others) await call.write(message)
    call.end()
  })
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address], idleTimeout: 1 })
  for await (const piece of stream.read()) {
    into.take(piece)
    if (into.taken === 50) await delay(1100)
    back.resolve()
  }
  await stream.close()
  t.equal(into.taken, 132)
})

t.test('a stream that stops being gRPC is told so', async (t) => {
  const [first] = snapshotMessages(randomBytes(1000), [600])
  const cases: [Buffer, RegExp][] = [
    [framed(Buffer.from('zipped'), 1), /compressed message/],
    [framed(Buffer.from('what'), 9), /flag 9/],
    [framed(Buffer.from([0x0b])), /cannot be decoded: .*wire type 3/],
    [Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), /message of 4294967295 bytes/],
  ]
  for (const [garbage, seen] of cases) {
    const etcd = await serving(t, async (call) => {
      await call.write(Buffer.concat([first, garbage]))
    })
    t.match(await failureOf({ endpoints: [etcd.address] }), { code: 'KPIPE_SOURCE_PROTOCOL', message: seen })
    t.equal(etcd.played, 1)
  }
})

t.test('a slow reader holds the server back, and then gets all of it', async (t) => {
  const data = randomBytes(40 << 20)
  let sent = 0
  let atRest = (): void => {}
  const resting = new Promise<void>((resolve) => (atRest = resolve))
  const etcd = await serving(t, async (call) => {
    let quiet = 0
    let seen = -1
    // An answered ping means that the reader's side has had everything that flow control let through before it.
    const ping = (): void => {
      quiet = seen === sent ? quiet + 1 : 0
      seen = sent
      if (quiet === 50) atRest()
      else if (!call.session.destroyed) call.session.ping(() => setImmediate(ping))
    }
    ping()
    for (const message of snapshotMessages(data, Array(data.length >> 15).fill(1 << 15))) {
      await call.write(message)
      sent += message.length
    }
    call.end()
  })
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  let held = 0
  for await (const piece of stream.read()) {
    into.take(piece)
    if (held > 0) continue
    await resting
    held = sent
  }
  await stream.close()
  t.ok(held > 0 && held <= 8 << 20, `${held} bytes were let go while the reader rested`)
  t.equal(into.taken, data.length + 32)
})

t.test('a reader that leaves early takes the call with it', async (t) => {
  let ended = (): void => {}
  const closed = new Promise<void>((resolve) => (ended = resolve))
  const etcd = await serving(t, async (call) => {
    call.stream.on('close', () => ended())
    for (const message of snapshotMessages(randomBytes(16 << 20), Array(512).fill(1 << 15))) {
      if (call.stream.destroyed) break
      await Promise.race([call.write(message), closed])
    }
  })
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  for await (const piece of stream.read()) {
    into.take(piece)
    break
  }
  await stream.close()
  await closed
  t.ok(into.taken > 0)
})
