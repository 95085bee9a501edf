import { connect } from 'node:net';

const LIMIT_MS = 5_000;

const PORTS: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 };

/** Whether something accepts connections at an address. Never rejects. */
export function isListening(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (PORTS[protocol] ?? 0) : Number(port),
    });
    const answer = (isThere: boolean) => (): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(LIMIT_MS, answer(false));
    socket.once('connect', answer(true));
    socket.once('error', answer(false));
  });
}
