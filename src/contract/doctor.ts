import { z } from 'zod';
import { reportBaseSchema } from './report.ts';

/** `warn`: it works, but not as well as it could. `fail`: something will not work. */
export const CHECK_STATUSES = ['ok', 'warn', 'fail'] as const;

/** The result of one check. */
export const doctorCheckSchema = z.strictObject({
  /** stable name, for scripts */
  name: z.string().regex(/^[a-z][a-z-]*$/),
  status: z.enum(CHECK_STATUSES),
  /** what was found, in words */
  finding: z.string().min(1),
  /** the command or change that fixes it; null if there is nothing to fix */
  fix: z.string().min(1).nullable(),
});

/** What `goshawk doctor --json` prints. */
export const doctorReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.doctor/1'),
  checks: z.array(doctorCheckSchema),
});

export type CheckStatus = (typeof CHECK_STATUSES)[number];
export type DoctorCheck = z.infer<typeof doctorCheckSchema>;
export type DoctorReport = z.infer<typeof doctorReportSchema>;
