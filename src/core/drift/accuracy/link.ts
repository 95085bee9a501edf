/**
 * How a weighted sum of measures becomes the share of AP that is kept: 1 plus it, or e to the power of it, where each
 * measure takes a part of what the others leave.
 */
export type Link = 'linear' | 'exponential';

export const LINKS: readonly Link[] = ['linear', 'exponential'];

/** A smaller share counts as this one in logarithms: a model that is nearly blind weighs no more than that. */
const LEAST_SHARE = 0.08;

/** The sum that stands for a share. */
export function sumOfShare(link: Link, share: number): number {
  return link === 'linear' ? share - 1 : Math.log(Math.max(LEAST_SHARE, share));
}

/** The share that a sum stands for, 0..1. */
export function shareOfSum(link: Link, sum: number): number {
  return Math.max(0, Math.min(1, link === 'linear' ? 1 + sum : Math.exp(sum)));
}
