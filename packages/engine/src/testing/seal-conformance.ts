import { codecContext, type CodecSubject, shapeOf } from './codec-subject.ts'
import { type ConformanceCase, demand } from './conformance-case.ts'
import { demandRefused } from './refusal.ts'
import { noise, text } from './sample-bytes.ts'

/** A run of plain bytes this long does not come about by chance. */
const tellingBytes = 8

/** What a codec promises that declares `seals`: nobody without the key reads or alters. */
export function sealCases(subject: CodecSubject): ConformanceCase[] {
  return [
    {
      title: 'a sealed frame shows nothing of what it holds',
      async run() {
        const codec = await subject.open()
        const plain = text(4096)
        const sealed = Buffer.from(await codec.encode(plain.slice(), shapeOf(4096)))
        for (let at = 0; at + tellingBytes <= plain.length; at += tellingBytes) {
          demand(!sealed.includes(plain.subarray(at, at + tellingBytes)), `a sealed frame holds the plain bytes from ${at}`)
        }
        const again = await codec.encode(plain.slice(), shapeOf(4096))
        demand(Buffer.compare(sealed, again) !== 0, 'equal frames are sealed to equal bytes')
        const zeros = Buffer.from(await codec.encode(new Uint8Array(4096), shapeOf(4096)))
        demand(new Set(zeros).size > 128, 'zeros are sealed to few different bytes')
      },
    },
    {
      title: 'a byte changed anywhere in a sealed frame is refused',
      async run() {
        const codec = await subject.open()
        const sealed = Uint8Array.from(await codec.encode(noise(100), shapeOf(100)))
        for (let at = 0; at < sealed.length; at++) {
          const changed = sealed.slice()
          changed[at] ^= 1 << (at % 8)
          await demandRefused(() => codec.decode(changed, shapeOf(100), 100), `a sealed frame with byte ${at} changed`)
        }
      },
    },
    {
      title: 'a frame sealed with another key or for another place is refused',
      async run() {
        const codec = await subject.open()
        const sealed = Uint8Array.from(await codec.encode(noise(100), shapeOf(100)))
        const otherKey = await subject.open({ deriveKey: codecContext(2).deriveKey })
        await demandRefused(() => otherKey.decode(sealed.slice(), shapeOf(100), 100), 'a frame that was sealed with another key')
        const otherPlace = await subject.open({ binding: noise(40, 8) })
        await demandRefused(() => otherPlace.decode(sealed.slice(), shapeOf(100), 100), 'a frame that was sealed for another binding')
      },
    },
  ]
}
