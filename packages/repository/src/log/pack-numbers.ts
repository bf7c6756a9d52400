import { VarintReader, VarintWriter } from '../varint.ts'

// A pack's number says which entry brought it and at which place: entry * 65,536 + place. It never changes, whatever later entries void.
const placesPerEntry = 65_536

export function packNumber(entry: number, place: number): number {
  return entry * placesPerEntry + place
}

/** Ascending numbers as pairs: difference of entries, place (a difference where the entry is the same). */
export function encodePackNumbers(numbers: readonly number[]): Buffer {
  const column = new VarintWriter()
  let [lastEntry, lastPlace] = [0, 0]
  for (const number of numbers) {
    const [entry, place] = [Math.floor(number / placesPerEntry), number % placesPerEntry]
    column.push(entry - lastEntry)
    column.push(entry === lastEntry ? place - lastPlace : place)
    ;[lastEntry, lastPlace] = [entry, place]
  }
  return column.finish()
}

export function decodePackNumbers(bytes: Uint8Array): number[] {
  const column = new VarintReader(bytes)
  const numbers: number[] = []
  let [entry, place] = [0, 0]
  while (!column.done) {
    const step = column.next()
    entry += step
    place = step === 0 ? place + column.next() : column.next()
    numbers.push(packNumber(entry, place))
  }
  return numbers
}
