import type { SettingRequest } from '../../../src/core/sizing/settings.ts';

/** Leaves all of an engine's setting to the machine. */
export const ALL_AUTO: SettingRequest = { workers: null, threads: null, queueDepth: null };
