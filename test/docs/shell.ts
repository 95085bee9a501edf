/**
 * The simple commands in a piece of shell from a document: handles comments, quotes, continued lines, `&&`, `|` and
 * `;`, but expands nothing. Optional parts in brackets (`[--resume]`) lose the brackets; assignments before a command
 * and files that it writes to are dropped.
 */
export function commandsIn(text: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  let quote = '';
  const endWord = (): void => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = (): void => {
    endWord();
    const bare = words.map((each) => each.replace(/^\[(-[^\]]*)\]?$|^([^[\]]+)\]$/, '$1$2'));
    const first = bare.findIndex((each) => !/^[A-Z_]+=/.test(each));
    if (first >= 0) commands.push(bare.slice(first));
    words = [];
  };
  const source = text.replace(/\\\n/g, ' ');
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!;
    if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '#' && word === null) {
      while (at + 1 < source.length && source[at + 1] !== '\n') at++;
    } else if (char === '\n' || char === ';' || char === '|' || (char === '&' && source[at + 1] === '&')) {
      // RUN|last.pt within a word is an alternative, not a pipe
      if (char === '|' && word !== null) word += char;
      else {
        endCommand();
        if (char === '&') at++;
      }
    } else if (char === '>' && word === null) {
      at += (/^>\s*\S+/.exec(source.slice(at))?.[0].length ?? 1) - 1;
    } else if (char === ' ' || char === '\t') endWord();
    else word = (word ?? '') + char;
  }
  endCommand();
  return commands;
}
