import type { IncomingHttpHeaders } from 'node:http2'

/** How a server ended a call. */
export interface GrpcStatus {
  /** Index into `statusNames`; 0 is success. */
  readonly code: number
  readonly text: string
}

/** Source: gRPC core, doc/statuscodes.md. */
export const statusNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** Names of the error codes of HTTP/2. Source: RFC 9113, section 7. */
const resetNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

export const resetName = (code: number): string => resetNames[code] ?? `code ${code}`

/** The status in trailers, or in headers that are trailers at once; undefined when there is none. */
export function statusIn(headers: IncomingHttpHeaders | undefined): GrpcStatus | undefined {
  const code = headers?.['grpc-status']
  if (typeof code !== 'string' || !/^\d{1,3}$/.test(code)) return undefined
  const text = headers?.['grpc-message']
  return { code: Number(code), text: typeof text === 'string' ? percentDecoded(text) : '' }
}

/** What is not a valid escape stays as it is, as the specification asks. */
function percentDecoded(text: string): string {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
