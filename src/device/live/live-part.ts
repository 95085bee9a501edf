import { definePart } from '../runtime/part.ts';
import { LiveRelay } from './live-relay.ts';
import { LiveView } from './live-view.ts';

/**
 * The live images of the page: those of the current session, through a relay that keeps viewers from one session to the
 * next.
 */
export const LIVE_IMAGE = definePart({
  parameters: {},
  create: () => {
    const relay = new LiveRelay();
    return {
      name: 'live image',
      servedBy: ['web page'],
      images: relay,
      attach: ({ labels, cameras }) => {
        const view = new LiveView({ labels, cameras });
        relay.show(view);
        return { sink: view };
      },
      detach: () => relay.hide(),
    };
  },
});
