import { z } from 'zod';

/** What a database and a terminal take: no control characters, no halves of surrogate pairs. */
export const lineSchema = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'it has control characters or half of a surrogate pair');

/** The same with line breaks. */
export const linesSchema = z
  .string()
  .regex(/^(?:[^\p{Cc}\p{Cs}]|\n)*$/u, 'it has control characters or half of a surrogate pair');
