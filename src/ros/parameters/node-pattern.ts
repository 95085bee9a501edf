/** What a `*` stands for in a key of a parameter file: one token of a name. */
const TOKEN = String.raw`/\w+`;

/**
 * Whether a key of a parameter file is about a node, by the rules of rcl and rclcpp: a key is a full name
 * whose leading slash is understood, two stars in place of a token stand for any number of tokens (none
 * included), one star for exactly one.
 *
 * One addition: a key that is a single bare word also matches a node of that name in a namespace. rcl would
 * pass over it without a word, which is a common reason for "my parameters are ignored".
 *
 * @param key such as `/goshawk/detector`, `detector`, or with stars
 * @param node full name, such as `/goshawk/detector`
 */
export function nodePatternMatches(key: string, node: string): boolean {
  if (/^\w+$/.test(key) && node.endsWith(`/${key}`)) return true;
  const pattern = (key.startsWith('/') ? key : `/${key}`)
    .replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('/**', '\u0000')
    .replaceAll('/*', `(?:${TOKEN})`)
    .replaceAll('\u0000', `(?:${TOKEN})*`);
  return new RegExp(`^${pattern}$`).test(node);
}
