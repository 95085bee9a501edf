/** Shared-memory settings in a Fast DDS profile file, bytes; undefined if not set. */
export interface SharedMemoryProfile {
  readonly segmentSize: number | undefined;
  readonly maxMessageSize: number | undefined;
}

/** Distributions with Fast DDS 2, which reads the older variable; version 3 reads the newer one. */
const WITH_FAST_DDS_2 = new Set(['humble', 'iron', 'jazzy']);

/** The variables of the profile file. */
export const OLDER_PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE';
export const NEWER_PROFILE_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE';

/** The variable that should name the profile file in a distribution. */
export function profileVariableOf(distro: string): string {
  return WITH_FAST_DDS_2.has(distro) ? OLDER_PROFILE_VARIABLE : NEWER_PROFILE_VARIABLE;
}

/** The segment size of Fast DDS if a profile sets none. */
export const FAST_DDS_DEFAULT_SEGMENT = 512 * 1024;

function textOf(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}>\\s*([^<]*?)\\s*</${element}>`).exec(xml)?.[1];
}

function sizeOf(xml: string, element: string): number | undefined {
  const text = textOf(xml, element);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Reads the shared-memory transport that the default participant of a Fast DDS profile file uses. Only the
 * relevant elements are read; validating the file is up to Fast DDS. Returns `undefined` if the file is not a
 * profile file, and `null` if it defines no shared-memory transport for the default participant.
 */
export function readSharedMemoryProfile(xml: string): SharedMemoryProfile | null | undefined {
  const plain = xml.replaceAll(/<!--[\s\S]*?-->/g, '');
  const profiles = /<profiles[\s>][\s\S]*<\/profiles>/.exec(plain)?.[0];
  if (profiles === undefined) return undefined;
  const participants = profiles.match(/<participant[\s>][\s\S]*?<\/participant>/g) ?? [];
  const participant =
    participants.find((block) => /is_default_profile\s*=\s*"true"/.test(block)) ?? participants[0];
  if (participant === undefined) return null;
  const used = [...participant.matchAll(/<transport_id>\s*([^<]*?)\s*<\/transport_id>/g)].map(
    (match) => match[1],
  );
  const descriptors = profiles.match(/<transport_descriptor>[\s\S]*?<\/transport_descriptor>/g) ?? [];
  const shared = descriptors.find(
    (block) => textOf(block, 'type') === 'SHM' && used.includes(textOf(block, 'transport_id')),
  );
  if (shared === undefined) return null;
  return { segmentSize: sizeOf(shared, 'segment_size'), maxMessageSize: sizeOf(shared, 'maxMessageSize') };
}
