import { hashKey } from './key-hash.ts'
import { nextField } from './protobuf.ts'
import type { FieldCursor } from './protobuf.ts'

const field: FieldCursor = { at: 0, number: 0, wire: 0, start: 0, value: 0 }

/**
 * Hashes the user key of the KeyValue in `view` from `start` to `end` into `keyHash`: field 1, empty when absent. False when it is no KeyValue.
 */
export function hashUserKey(view: DataView, start: number, end: number, seed: number): boolean {
  let key = start
  let keyBytes = 0
  field.at = start
  while (field.at < end) {
    if (!nextField(view, field, end)) return false
    if (field.number !== 1) continue
    if (field.wire !== 2) return false
    key = field.start
    keyBytes = field.value
  }
  hashKey(view, key, keyBytes, seed)
  return true
}
