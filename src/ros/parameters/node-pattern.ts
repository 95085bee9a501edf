/** What a `*` matches in a key of a parameter file: one token of a name. */
const TOKEN = String.raw`/\w+`;

/**
 * Whether a key of a parameter file matches a node, by the rules of rcl and rclcpp: a key is a full name with an
 * implied leading slash; two stars in place of a token match any number of tokens (including none), one star exactly
 * one.
 *
 * One addition: a key that is a single bare word also matches a node of that name in a namespace. rcl would silently
 * ignore it, which is a common reason for "my parameters are ignored".
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
