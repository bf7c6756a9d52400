/** What of a history that was seen the store does not show, in a few words. Both are heads, `<n>:<64 hex>`. */
export function missingHistory({ remembered, seen }: { readonly remembered: string; readonly seen: string }): string {
  const [last, now] = [remembered, seen].map((head) => Number(head.split(':')[0]))
  if (last <= now) return `log entry ${last} is not the one that was seen`
  return last === now + 1 ? `log entry ${last} is missing` : `log entries ${now + 1} to ${last} are missing`
}
