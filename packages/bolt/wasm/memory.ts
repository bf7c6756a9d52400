// Where things lie in the linear memory: a fixed part, then what the caller lays out anew for each segment.

/** Eight tables of CRC-32C, 1 KiB each. */
export const crcTables: u32 = 0
/** Four tables that shift a CRC by one block, 1 KiB each. */
export const shiftTables: u32 = 8 << 10
/** CRC of the rows of one leaf up to and with each. */
export const upTo: u32 = 12 << 10
/** Leaves with more elements are left to the caller. */
export const mostElements: u32 = 4096
/** First byte that the caller may use. */
export const fixedBytes: u32 = 28 << 10
