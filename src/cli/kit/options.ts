import { InvalidArgumentError, Option } from 'commander';

/** Parses the text of an option; throws commander's InvalidArgumentError, which explains what is wrong. */
export type Parse<T> = (text: string) => T;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Any finite number. */
export function anyNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number.');
}

/** A number from `low` to `high`. */
export function numberFrom(low: number, high: number): Parse<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a number from ${low} to ${high}.`);
  };
}

/** A whole number from `low` to `high`. */
export function wholeFrom(low: number, high: number): Parse<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

/** Three numbers separated by commas. */
export function threeNumbers(text: string): readonly [number, number, number] {
  const [a, b, c, ...rest] = text.split(',').map(anyNumber);
  if (a !== undefined && b !== undefined && c !== undefined && rest.length === 0) return [a, b, c];
  throw new InvalidArgumentError('It must be three numbers, such as 123.7,116.3,103.5.');
}

function sizeOf(text: string): Size {
  const [, width, height] = /^([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(text) ?? [];
  if (width !== undefined && height !== undefined) return { width: Number(width), height: Number(height) };
  throw new InvalidArgumentError('It must be WIDTHxHEIGHT, such as 1280x720.');
}

/** An option with a value such as `1280x720`. */
export function sizeOption(flags: string, description: string, size?: Size): Option {
  const option = new Option(flags, description).argParser(sizeOf);
  return size === undefined ? option : option.default(size, `${size.width}x${size.height}`);
}

/** Some of the known names, separated by commas. */
export function namesOf<T extends string>(known: readonly T[]): Parse<T[]> {
  return (text) =>
    text.split(',').map((name) => {
      const found = known.find((one) => one === name.trim());
      if (found !== undefined) return found;
      throw new InvalidArgumentError(`Known: ${known.join(', ')}.`);
    });
}

/** Text of a given form; `what` completes "It must be ...". */
export function textLike(pattern: RegExp, what: string): Parse<string> {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new InvalidArgumentError(`It must be ${what}.`);
  };
}

/** For a repeatable option: adds each value to a list. */
export function repeated(text: string, list: readonly string[] = []): readonly string[] {
  return [...list, text];
}

/** An option with a whole number from 1, or `auto`, the default. */
export function autoOption(flags: string, description: string, high: number): Option {
  const parse = wholeFrom(1, high);
  // not null for auto: commander would turn that into an empty text
  return new Option(flags, description)
    .argParser((text) => (text === 'auto' ? text : parse(text)))
    .default('auto');
}
