import { z } from 'zod';

/** A short name in lower case, such as a reason. */
export const nameSchema = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/);
