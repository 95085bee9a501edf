import type { CheckStatus } from '../../../contract/doctor.ts';

/** What a check found. Its name is in the list of checks. */
export interface Finding {
  readonly status: CheckStatus;
  readonly finding: string;
  readonly fix: string | null;
}

export const ok = (finding: string): Finding => ({ status: 'ok', finding, fix: null });
export const warn = (finding: string, fix: string): Finding => ({ status: 'warn', finding, fix });
export const fail = (finding: string, fix: string): Finding => ({ status: 'fail', finding, fix });

const MIB = 1024 * 1024;

/** Bytes for a reader: `512 KiB`, `64 MiB`, `23.5 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < MIB) return `${Math.round(bytes / 1024)} KiB`;
  if (bytes < 1024 * MIB) return `${Math.round(bytes / MIB)} MiB`;
  return `${(bytes / (1024 * MIB)).toFixed(1)} GiB`;
}
