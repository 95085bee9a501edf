import { Ingestor } from '../../../src/fleet/ingest/ingestor.ts';
import { MessageStore } from '../../../src/fleet/store/message-store.ts';
import { embeddedAddress, openStore } from '../../../src/fleet/store/open-store.ts';

/**
 * The fleet's end with a fault: it acknowledges what it received before that is committed. Whoever kills it must find
 * holes, or the check that looks for them is worth nothing.
 */
const [url = '', folder = ''] = process.argv.slice(2);
const address = await embeddedAddress(folder);
if (address === null) throw new Error(`no database in ${folder}`);
const database = await openStore(address, 2, Date.now(), () => undefined);
const messages = new MessageStore(database);
const ingestor = new Ingestor(
  { urls: [url], say: () => undefined },
  {
    store: (batch) => {
      // as a slow disk would have it
      setTimeout(() => void messages.store(batch).catch(() => undefined), 500);
      return Promise.resolve({ stored: new Map<string, number>(), duplicates: new Map<string, number>() });
    },
    quarantine: () => Promise.resolve(),
    makePartitions: () => Promise.resolve(),
  },
  { onStored: () => undefined, onRefused: () => undefined, onRetry: () => undefined },
);
ingestor.start();
process.stdout.write('ready\n');
