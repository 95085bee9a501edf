import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { readInlinePage } from '../../../src/platform/http/inline-page.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderOf(files: Readonly<Record<string, string>>): URL {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-page-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return pathToFileURL(`${folder}/`);
}

const HTML = '<link rel="stylesheet" href="a.css" /><script src="a.js"></script>';

describe('a page that is read from its files', () => {
  it('contains its style sheets and scripts verbatim', async () => {
    const files = { 'index.html': HTML, 'a.css': 'b { color: red }\r\n', 'a.js': "x = '$& $1 $`';\n" };
    const page = await readInlinePage(folderOf(files));
    expect(page.html).toBe("<style>b { color: red }\n</style><script>x = '$& $1 $`';\n</script>");
    expect([page.styles, page.scripts]).toEqual([['b { color: red }\n'], ["x = '$& $1 $`';\n"]]);
  });

  it('is refused with the name of the file that is missing or would end its element', async () => {
    await expect(readInlinePage(folderOf({}))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
      message: expect.stringContaining('index.html') as string,
    });
    await expect(readInlinePage(folderOf({ 'index.html': HTML, 'a.css': '' }))).rejects.toThrow(/a\.js/);
    const breaking = { 'index.html': HTML, 'a.css': '', 'a.js': '"</SCRIPT>"' };
    await expect(readInlinePage(folderOf(breaking))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_INVALID',
      message: expect.stringContaining('a.js') as string,
    });
  });

  it('of the device names all of its files', async () => {
    const folder = new URL('../../../src/device/web/page/', import.meta.url);
    const page = await readInlinePage(folder);
    expect([page.styles.length, page.scripts.length]).toEqual([2, 1]);
    expect(page.html).not.toMatch(/ (src|href)="(?!data:|\/)/);
  });
});
