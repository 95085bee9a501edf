import { describe, expect, it } from 'vitest';
import { AllowedHosts } from '../../../src/platform/http/allowed-hosts.ts';

function hosts(bound: string, extra: readonly string[] = []): (header: string, local?: string) => boolean {
  const allowed = new AllowedHosts({ bound, extra, machine: 'robot7', option: 'http_allowed_hosts' });
  return (header, local = bound) => allowed.admits(header, local);
}

describe('allowed hosts', () => {
  it.each([
    'localhost',
    'LOCALHOST:8080',
    'localhost.',
    'page.localhost',
    '127.0.0.1:8080',
    '127.1',
    '[::1]:80',
  ])('include %s everywhere', (header) => {
    expect(hosts('127.0.0.1')(header)).toBe(true);
    expect(hosts('192.168.1.5')(header)).toBe(true);
  });

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example#localhost',
    'evil@localhost',
    'localhost/x',
    'robot7',
    '192.168.1.5',
    '[fe80::1]',
    '',
    ' ',
    '[',
  ])('exclude "%s" on the loopback address', (header) => {
    expect(hosts('127.0.0.1')(header)).toBe(false);
  });

  it('include the bound address, and the name of the machine if a network can reach it', () => {
    const admits = hosts('192.168.1.5');
    for (const header of ['192.168.1.5:8080', 'robot7:8080', 'Robot7.local'])
      expect(admits(header)).toBe(true);
    for (const header of ['192.168.1.6', 'robot8', 'robot7.evil.example']) expect(admits(header)).toBe(false);
  });

  it('include the address at which the connection arrived if the server listens on all', () => {
    const admits = hosts('0.0.0.0');
    expect(admits('10.0.0.9', '10.0.0.9')).toBe(true);
    expect(admits('10.0.0.9', '::ffff:10.0.0.9')).toBe(true);
    expect(hosts('::')('[FE80:0::1]:8080', 'fe80::1%eth0')).toBe(true);
    expect(admits('10.0.0.8', '10.0.0.9')).toBe(false);
    expect(admits('evil.example', '10.0.0.9')).toBe(false);
  });

  it('include listed names, and HTTP/1.0 clients that name none', () => {
    const admits = hosts('127.0.0.1', ['robot7.example.com', 'fd00::7']);
    expect(admits('ROBOT7.example.com:443')).toBe(true);
    expect(admits('[fd00:0:0::7]:443')).toBe(true);
    expect(
      new AllowedHosts({ bound: '127.0.0.1', extra: [], machine: '', option: '' }).admits(
        undefined,
        undefined,
      ),
    ).toBe(true);
  });

  it.each(['', 'http://robot7', 'robot7:8080', 'a b', 'robot7/'])('"%s" cannot be listed', (name) => {
    expect(() => hosts('127.0.0.1', [name])).toThrow(/http_allowed_hosts/);
  });
});
