import assert from 'node:assert/strict'
import { decodeDirectory } from '../../src/packs/directory.ts'
import { directoryHeader, packFooterBytes, packHeader } from '../../src/packs/pack-builder.ts'
import { packName } from '../../src/packs/pack-name.ts'
import { PrefixTable } from '../../src/packs/prefix-table.ts'
import { openUnit } from '../../src/sealed-unit.ts'
import type { KnownRepository } from '../altered-repository.ts'
import type { Inside } from '../inside.ts'
import { isRangeError } from './decoder.ts'
import type { Decoder } from './decoder.ts'

export function directoryDecoder({ store }: KnownRepository, { ring, packs }: Inside): Decoder {
  const samples = packs.map(({ pack }) => {
    const object = Buffer.from(store.objects.get(packName(pack.id))!)
    const epoch = object.readUInt32LE(object.length - 12)
    const sealed = object.subarray(object.length - packFooterBytes - pack.directoryBytes, object.length - packFooterBytes)
    const plain = openUnit(
      ring.workingKey(epoch, 'directory'),
      directoryHeader(packHeader(pack.class, pack.id, ring.repositoryId), epoch),
      sealed,
    )
    assert(typeof plain !== 'string')
    return plain.subarray(4, 4 + plain.readUInt32LE(0))
  })
  const tag = Buffer.alloc(16, 1)
  return {
    name: 'pack directory',
    samples,
    isMsgpack: true,
    take(bytes) {
      const directory = decodeDirectory(bytes)
      new PrefixTable(directory).find(tag, 0)
      for (const { ends, lengths } of directory.frames) assert(ends.length === 0 || ends.at(-1) === lengths[0])
    },
    isDocumented: isRangeError,
  }
}
