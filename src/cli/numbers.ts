import { InvalidArgumentError } from 'commander';

/** Reads an option that is a whole number from `least` to `most`; anything else is refused with these bounds. */
export function wholeFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
