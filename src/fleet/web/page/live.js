// Robots that changed, as the server tells them; while it does not, the page asks more often.
/* exported watchLive */
/** @typedef {import('../../../contract/fleet/live.ts').LiveEvent} LiveEvent */

/**
 * @param {(event: LiveEvent) => void} onChange
 * @returns {() => boolean} whether changes are being told
 */
function watchLive(onChange) {
  let isOpen = false;
  const connect = () => {
    const source = new EventSource('/api/v1/live');
    source.addEventListener('open', () => (isOpen = true));
    source.addEventListener('robots', ({ data }) => {
      /** @type {unknown} */
      const event = JSON.parse(String(data));
      onChange(/** @type {LiveEvent} */ (event));
    });
    source.addEventListener('error', () => {
      isOpen = false;
      // a lost connection comes back by itself; a refused one does not
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 30_000);
    });
  };
  connect();
  return () => isOpen;
}
