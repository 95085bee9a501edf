/** The first UTF-16 units of a text, without half of a surrogate pair at their end: PostgreSQL takes none. */
export function cutText(text: string, units: number): string {
  return text.slice(0, units).replace(/\p{Cs}$/u, '');
}
