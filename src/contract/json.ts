/** Deepest allowed nesting of arrays and objects. What Goshawk reads has about a dozen levels. */
const MAX_LEVELS = 64;

/**
 * `JSON.parse` for untrusted text. Input nested deeper than anything written on purpose is refused before it
 * can exhaust the stack of a recursive reader. Throws SyntaxError as `JSON.parse` does.
 */
export function parseJson(text: string): unknown {
  if (hasFewOpenings(text)) return JSON.parse(text);
  let level = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charCodeAt(i);
    if (quoted) {
      if (character === BACKSLASH) i += 1;
      else if (character === QUOTE) quoted = false;
    } else if (character === QUOTE) quoted = true;
    else if (character === BRACKET || character === BRACE) {
      level += 1;
      if (level > MAX_LEVELS) throw new SyntaxError(`it is nested deeper than ${MAX_LEVELS} levels`);
    } else if (character === END_BRACKET || character === END_BRACE) level -= 1;
  }
  return JSON.parse(text);
}

/** `parseJson` that returns `undefined` instead of throwing. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Whether it cannot be nested too deeply, which takes a fraction of the time of looking at each character. */
function hasFewOpenings(text: string): boolean {
  let left = MAX_LEVELS;
  for (const opening of ['[', '{'])
    for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1)) {
      left -= 1;
      if (left < 0) return false;
    }
  return true;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const END_BRACKET = 0x5d;
const BRACE = 0x7b;
const END_BRACE = 0x7d;
