import { createCipheriv, createDecipheriv } from 'node:crypto'
import t from 'tap'
import { type Codec, type CodecContext, type CodecStage, KpipeError } from '@kpipe/engine/contracts'
import { codecConformance } from '@kpipe/engine/testing'
import { failures } from './failures.ts'

const settings = { type: 'object', properties: {}, additionalProperties: false } as const

function codecStage(codec: Partial<Codec>, seals = false, open?: (context: CodecContext) => Codec): CodecStage {
  return {
    kind: 'codec',
    summary: 'a codec of a test',
    seals,
    settings,
    open: (_settings, context) => open?.(context) ?? { ...good, ...codec },
  }
}

const flipped = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x5a)

/** An exact inverse of itself that refuses other lengths. */
const good: Codec = {
  encode: (bytes) => flipped(bytes),
  decode(bytes, _shape, decodedBytes) {
    if (bytes.length !== decodedBytes) throw damaged()
    return flipped(bytes)
  },
}

const damaged = () => new KpipeError('KPIPE_DAMAGED', 'damaged')

/** AES-256-GCM with the nonce that `nonceOf` chooses. */
function sealing(
  { deriveKey, binding }: CodecContext,
  nonceOf: () => Uint8Array,
  alter: { readonly bind?: boolean; readonly verify?: boolean } = {},
): Codec {
  const key = deriveKey('frame', new Uint8Array(32))
  const { bind = true, verify = true } = alter
  return {
    encode(bytes) {
      const nonce = nonceOf()
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      if (bind) cipher.setAAD(binding)
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    decode(bytes, _shape, decodedBytes) {
      if (bytes.length !== decodedBytes + 28) throw damaged()
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      if (bind) decipher.setAAD(binding)
      decipher.setAuthTag(bytes.subarray(-16))
      const plain = decipher.update(bytes.subarray(12, -16))
      try {
        decipher.final()
      } catch {
        if (verify) throw damaged()
      }
      return plain
    },
  }
}

const random = () => crypto.getRandomValues(new Uint8Array(12))

t.test('codecs that keep their promises pass', async (t) => {
  t.same(await failures(codecConformance(codecStage({}))), {})
  t.same(await failures(codecConformance(codecStage({}, true, (context) => sealing(context, random)))), {})
})

const frames = 'frames of 0, 1 and 2 bytes come back exactly'
const sizes = 'frames of a page and of 4 MiB come back exactly, whatever is in them'
const refused = 'bytes that are cut short or have more behind them are refused'

const broken: Record<string, { stage: CodecStage; title: string; says: RegExp }> = {
  'that is no exact inverse': {
    stage: codecStage({ decode: (bytes) => flipped(bytes).map((byte, at) => (at === 4096 ? byte ^ 1 : byte)) }),
    title: sizes,
    says: /^a frame of 4097 bytes of noise, decoded, differs at byte 4096 of 4097$/,
  },
  'that cannot do empty frames': {
    stage: codecStage({
      encode(bytes) {
        if (bytes.length === 0) throw new RangeError('nothing to encode')
        return flipped(bytes)
      },
    }),
    title: frames,
    says: /^encoding a frame of 0 bytes of noise fails: nothing to encode$/,
  },
  'that loses frames of one byte': {
    stage: codecStage({ encode: (bytes) => (bytes.length === 1 ? new Uint8Array(1) : flipped(bytes)) }),
    title: frames,
    says: /^a frame of 1 bytes of \w+, decoded, differs at byte 0 of 1$/,
  },
  'that encodes in place': {
    stage: codecStage({
      encode(bytes) {
        for (let at = 0; at < bytes.length; at++) bytes[at] ^= 0x5a
        return Uint8Array.from(bytes)
      },
    }),
    title: 'what it is given is left as it was',
    says: /^the frame that was encoded differs at byte 0 of 10000$/,
  },
  'that keeps state between calls': {
    stage: codecStage({}, false, () => {
      let calls = 0
      const mask = () => calls++ >> 1
      return { encode: (bytes) => bytes.map((byte) => byte ^ mask()), decode: (bytes) => bytes.map((byte) => byte ^ mask()) }
    }),
    title: 'frames come back in any order, also from a codec that was opened later',
    says: /decoded out of order, differs/,
  },
  'that gives its input back': {
    stage: codecStage({
      encode: (bytes) => bytes,
      decode(bytes, _shape, decodedBytes) {
        if (bytes.length !== decodedBytes) throw damaged()
        return bytes
      },
    }),
    title: 'what it has given away does not change any more',
    says: /^an encoded frame, after its input was used for something else, differs/,
  },
  'that uses one buffer for all results': {
    stage: codecStage({}, false, () => {
      const buffer = new Uint8Array(5 << 20)
      return { ...good, encode: (bytes) => (buffer.set(flipped(bytes)), buffer.subarray(0, bytes.length)) }
    }),
    title: 'what it has given away does not change any more',
    says: /^an encoded frame, after/,
  },
  'that trusts the length of the frame': {
    stage: codecStage({ encode: (bytes, { plainBytes }) => flipped(bytes.subarray(0, plainBytes)) }),
    title: 'what an earlier codec made of a frame comes back exactly',
    says: /^decoding a frame of 100 bytes that came as 1,000 fails: damaged$/,
  },
  'that takes what is cut short': { stage: codecStage({ decode: flipped }), title: refused, says: /cut to 0 is not refused$/ },
  'that refuses with any error': {
    stage: codecStage({
      decode(bytes, _shape, decodedBytes) {
        if (bytes.length !== decodedBytes) throw new TypeError('too short')
        return flipped(bytes)
      },
    }),
    title: refused,
    says: /TypeError: too short, which has no code of kpipe’s$/,
  },
  'that makes more than it should': {
    stage: codecStage({ decode: flipped }),
    title: 'a result never measures anything but what it should',
    says: /^a frame of 4194304 bytes that should decode to 0 is not refused$/,
  },
  'that says it seals and does not hide': {
    stage: codecStage({}, true, () => ({
      encode: (bytes) => Buffer.concat([bytes, crypto.getRandomValues(new Uint8Array(16))]),
      decode: (bytes) => Uint8Array.from(bytes.subarray(0, -16)),
    })),
    title: 'a sealed frame shows nothing of what it holds',
    says: /^a sealed frame holds the plain bytes from 0$/,
  },
  'that seals with one nonce': {
    stage: codecStage({}, true, (context) => sealing(context, () => new Uint8Array(12))),
    title: 'a sealed frame shows nothing of what it holds',
    says: /^equal frames are sealed to equal bytes$/,
  },
  'that does not authenticate': {
    stage: codecStage({}, true, (context) => sealing(context, random, { verify: false })),
    title: 'a byte changed anywhere in a sealed frame is refused',
    says: /^a sealed frame with byte 0 changed is not refused$/,
  },
  'that does not bind': {
    stage: codecStage({}, true, (context) => sealing(context, random, { bind: false })),
    title: 'a frame sealed with another key or for another place is refused',
    says: /^a frame that was sealed for another binding is not refused$/,
  },
  'without a summary': {
    stage: { ...codecStage({}), summary: '' },
    title: 'it says what it is in one line',
    says: /summary/,
  },
  'whose default does not fit': {
    stage: {
      ...codecStage({}),
      settings: { ...settings, properties: { level: { type: 'integer', description: 'Level.', minimum: 3, default: 1 } } },
    },
    title: 'every setting is described, and its default and examples fit',
    says: /^setting level: the value 1 of its own schema does not fit/,
  },
}

for (const [what, { stage, title, says }] of Object.entries(broken)) {
  t.test(`a codec ${what} is caught`, async (t) => {
    const failed = await failures(codecConformance(stage))
    t.match(failed[title], says, title)
  })
}
