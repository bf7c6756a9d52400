// What a reader takes from a repository at the most. Whoever writes one, with its keys or without, may be a stranger: what is asked for
// beyond these is damage, and nothing is read or allocated for it. FORMAT.md names them, and writers stay far below.

/** An object of the log; a longer one counts as missing. */
export const maxEntryBytes = 4 * 2 ** 20
/** Entries that are missing in a row below one that is listed. */
export const maxMissingEntries = 10_000
/** A pack, and its directory. */
export const maxPackBytes = 64 * 2 ** 20
/** A frame, before and after every codec. */
export const maxFrameBytes = 32 * 2 ** 20
/** Codecs of a frame. */
export const maxCodecs = 16
/** Chunks of a stream: 128 GiB of pages of 4 KiB. A reader takes up to 40 bytes of memory for each. */
export const maxChunks = 2 ** 25
/** Links of the chain of a recipe part, and the stored bytes of all of them. */
export const maxChainLinks = 64
export const maxChainBytes = 16 * 2 ** 20
/** Packs in the table of a recipe part. */
export const maxPartPacks = 2 * 65_536
/** Values in one msgpack. */
export const maxValues = 2 ** 22
/** UTF-8 of what a drill notes. */
export const maxDrillNoteBytes = 1024
/** Objects of key slots, all epochs of all slots. */
export const maxSlotObjects = 16_384
