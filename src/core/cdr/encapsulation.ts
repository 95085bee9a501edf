/**
 * Size of the encapsulation header in front of every serialized message: a 2-byte id (big-endian) and 2
 * option bytes.
 */
export const ENCAPSULATION_BYTES = 4;

/** Plain CDR (XCDR1), the representation that ROS 2 uses for messages. */
export const CDR_BE = 0x0000;
export const CDR_LE = 0x0001;

/** Representations that DDS defines but ROS 2 does not use for messages (DDS-XTypes 1.3, table 60). */
const KNOWN_FOREIGN: Readonly<Record<number, string>> = {
  0x0002: 'PL_CDR_BE (parameter list)',
  0x0003: 'PL_CDR_LE (parameter list)',
  0x0004: 'XML',
  0x0006: 'CDR2_BE',
  0x0007: 'CDR2_LE',
  0x0008: 'D_CDR2_BE (delimited)',
  0x0009: 'D_CDR2_LE (delimited)',
  0x000a: 'PL_CDR2_BE (parameter list)',
  0x000b: 'PL_CDR2_LE (parameter list)',
};

/** The name of the representation with this id; `undefined` for an id that no standard defines. */
export function foreignRepresentation(id: number): string | undefined {
  return KNOWN_FOREIGN[id];
}
