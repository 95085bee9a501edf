import { systemClock } from '../../platform/clock.ts';
import { definePart } from '../runtime/part.ts';
import { RangeLog } from './range-log.ts';
import { SessionTelemetry } from './session-telemetry.ts';
import { MAX_TAGS, TAG_FORM, TAG_PATTERN, tagsOf } from './tags.ts';

/** Reports a session to the fleet; stops after telemetry, which asks for the last window. */
export const SESSION_TELEMETRY = definePart({
  parameters: {
    fleet_tags: {
      kind: 'string[]',
      separator: ',',
      default: [],
      entries: { pattern: TAG_PATTERN, form: TAG_FORM, max: MAX_TAGS },
      read: 'start',
      description: 'Labels of this detector in the fleet, as KEY=VALUE, such as customer=acme. At most 16.',
      option: { flags: '--fleet-tag <key=value>', description: 'label in the fleet (repeatable)' },
    },
  },
  create: ({ fleet_tags: tags }, { device, log }) => {
    const ranges = new RangeLog(systemClock, (line) => log('warn', line));
    return new SessionTelemetry(device, systemClock, ranges, tagsOf(tags));
  },
});
