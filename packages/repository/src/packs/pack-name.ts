export const packsPrefix = 'packs/'

/** @param id 32 hex digits: writer id, counter */
export function packName(id: string): string {
  return `${packsPrefix}${id.slice(-2)}/${id}`
}
