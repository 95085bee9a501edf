import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { GoshawkError } from '../../contract/errors.ts';

/** A page in one document, and the scripts and styles that the browser may use. */
export interface InlinePage {
  readonly html: string;
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}

const STYLESHEET = /<link rel="stylesheet" href="([\w.-]+)" ?\/?>/g;
const SCRIPT = /<script src="([\w.-]+)"><\/script>/g;

/** Next to every page. */
const SHARED: Readonly<Record<string, URL>> = { 'theme.css': new URL('theme.css', import.meta.url) };

/** The text of a file of the page. Browsers hash a script with normalized line ends, whatever the file has. */
async function textOf(file: URL): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replaceAll('\r\n', '\n');
  } catch (error) {
    const reason = `${(error as Error).message}; it comes with Goshawk: build or install it again`;
    throw new GoshawkError(
      'GOSHAWK_FILE_UNREADABLE',
      { file: fileURLToPath(file), reason },
      { cause: error },
    );
  }
}

/**
 * Replaces each element that refers to a file by one that contains it.
 * @returns the document and the inserted texts
 */
async function inline(
  html: string,
  element: RegExp,
  tag: 'style' | 'script',
  placeOf: (name: string) => URL,
): Promise<[string, string[]]> {
  const texts = new Map<string, string>();
  for (const [, name = ''] of html.matchAll(element)) {
    const text = await textOf(placeOf(name));
    if (text.toLowerCase().includes(`</${tag}`)) {
      const reason = `it contains "</${tag}", which would end the element that it is put into`;
      throw new GoshawkError('GOSHAWK_FILE_INVALID', { file: fileURLToPath(placeOf(name)), reason });
    }
    texts.set(name, text);
  }
  const whole = html.replace(element, (_all, name: string) => `<${tag}>${texts.get(name) ?? ''}</${tag}>`);
  return [whole, [...texts.values()]];
}

/**
 * Reads a page whose style sheets and scripts are next to it, and inlines them: the whole page is one answer, nothing
 * is loaded from elsewhere, and a content security policy can name the digest of each.
 * @param folder its URL ends with a slash
 * @param elsewhere files that are not in it, by name; `theme.css` is that of all pages
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID
 */
export async function readInlinePage(
  folder: URL,
  elsewhere: Readonly<Record<string, URL>> = {},
): Promise<InlinePage> {
  const placeOf = (name: string): URL => elsewhere[name] ?? SHARED[name] ?? new URL(name, folder);
  const [styled, styles] = await inline(await textOf(placeOf('index.html')), STYLESHEET, 'style', placeOf);
  const [html, scripts] = await inline(styled, SCRIPT, 'script', placeOf);
  return { html, scripts, styles };
}
