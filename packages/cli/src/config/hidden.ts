/** Shown instead of a secret. */
export const hidden = '********'

/** An address without the password in it. */
export function withoutPassword(text: string): string {
  return text.replaceAll(/(:\/\/[^/?#\s:@]*):[^/?#\s]*@/g, `$1:${hidden}@`)
}
