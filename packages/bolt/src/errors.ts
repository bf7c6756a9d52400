/**
 * - `not-bolt`: no valid meta page
 * - `big-endian`: written on a machine of the other byte order
 * - `truncated`: shorter than its own high-water mark
 * - `range`: a page id outside 2 to the high-water mark
 * - `page`: a page's header or element table contradicts itself, or is of the wrong type
 * - `shared`: a page is referenced twice
 * - `order`: keys do not ascend, or lie outside their branch
 * - `depth`: deeper than any tree of bbolt
 * - `bucket`: a bucket's header or inline page contradicts itself
 * - `freelist`: the stored list of free pages is not what is free
 * - `schema`: bolt is fine, but etcd did not write this
 * - `unread`: longer than this reader takes
 */
export type BoltErrorCode =
  'not-bolt' | 'big-endian' | 'truncated' | 'range' | 'page' | 'shared' | 'order' | 'depth' | 'bucket' | 'freelist' | 'schema' | 'unread'

/** Every fault that the bytes of a database can have. */
export class BoltError extends Error {
  readonly code: BoltErrorCode
  /** The page where it was seen. */
  readonly page: number | undefined

  constructor(code: BoltErrorCode, message: string, page?: number) {
    super(message)
    this.name = 'BoltError'
    this.code = code
    this.page = page
  }
}
