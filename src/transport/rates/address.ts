import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import proxyaddr from 'proxy-addr';

/** The address that a request counts for: an IPv4 address, or the /64 network of an IPv6 address. */
export type AddressOf = (request: IncomingMessage) => string;

/**
 * Behind proxies the address is what the outermost trusted proxy saw. Only entries of `X-Forwarded-For` that trusted
 * proxies appended count, and none if the connection comes from anybody else ([RATE5]).
 * @param proxies addresses, networks (CIDR), or `loopback`, `linklocal`, `uniquelocal`
 */
export function createAddressOf(proxies: readonly string[]): AddressOf {
  const trust = trustIn(proxies);
  return (request) => {
    const peer = request.socket.remoteAddress ?? '';
    if (!trust(peer, 0)) return networkOf(peer);
    const client = withoutPort(proxyaddr(request, trust));
    return networkOf(isIP(client) ? client : peer);
  };
}

/** Whether a trusted proxy has sent the request on. */
export function createIsProxied(proxies: readonly string[]): (request: IncomingMessage) => boolean {
  const trust = trustIn(proxies);
  return ({ socket }) => trust(socket.remoteAddress ?? '', 0);
}

const trustIn = (proxies: readonly string[]): ((address: string, hop: number) => boolean) =>
  proxies.length > 0 ? proxyaddr.compile([...proxies]) : () => false;

/** Some proxies append the client's port. */
const withoutPort = (address: string): string =>
  /^\[(.+)\](:\d+)?$/.exec(address)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(address)?.[1] ?? address;

/** Whoever has one IPv6 address can use its whole /64 network. */
function networkOf(address: string): string {
  if (isIPv4(address) || !isIP(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}
