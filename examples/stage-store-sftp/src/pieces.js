import { promisify } from 'node:util'

/** Every server takes as much in one request. */
const pieceBytes = 32 * 1024
/** Requests that are under way at once: a far server answers late. */
const maxUnderWay = 32

export async function writePieces(sftp, handle, bytes) {
  const write = promisify(sftp.write.bind(sftp))
  await inPieces(bytes.length, (start, end) => write(handle, bytes, start, end - start, start))
}

/** Fills `bytes` from `offset` of the file; resolves with the count, which is less at the file's end. */
export async function readPieces(sftp, handle, bytes, offset) {
  const read = (start, end) =>
    new Promise((resolve, reject) => {
      sftp.read(handle, Buffer.from(bytes.buffer, bytes.byteOffset), start, end - start, offset + start, (error, count) => {
        if (error) reject(error)
        else resolve(count)
      })
    })
  let filled = 0
  await inPieces(bytes.length, async (start, end) => {
    let at = start
    while (at < end) {
      const count = await read(at, end)
      if (count === 0) break
      at += count
    }
    filled += at - start
  })
  return filled
}

async function inPieces(length, work) {
  for (let from = 0; from < length; from += pieceBytes * maxUnderWay) {
    const under = []
    for (let start = from; start < Math.min(length, from + pieceBytes * maxUnderWay); start += pieceBytes) {
      under.push(work(start, Math.min(length, start + pieceBytes)))
    }
    await Promise.all(under)
  }
}
