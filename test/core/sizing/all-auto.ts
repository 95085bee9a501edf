import type { SettingRequest } from '../../../src/core/sizing/settings.ts';

/** Leaves the whole setting of an engine to the machine. */
export const ALL_AUTO: SettingRequest = { workers: null, threads: null, queueDepth: null };
