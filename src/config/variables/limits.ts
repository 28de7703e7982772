import { z } from 'zod';
import { checkProxies, splitList, wholeNumber } from '../values.ts';
import { documented } from './documented.ts';

/** How much one request, connection or caller may take. */
export const limitsVariables = {
  CADENZA_DOCUMENT_KB: documented(wholeNumber(1, 1_024).prefault('16'), {
    meaning: 'Maximum size of a GraphQL document in KiB. For tokens with the ADMIN role it is four times as large.',
    default: '16',
    example: '64',
  }),
  CADENZA_MESSAGE_KB: documented(wholeNumber(16, 102_400).prefault('1024'), {
    meaning: 'Maximum size of a request body or a WebSocket message in KiB.',
    default: '1024',
    example: '4096',
  }),
  CADENZA_SOCKET_OPERATIONS: documented(wholeNumber(1, 100_000).prefault('100'), {
    meaning: 'Maximum number of concurrent operations on one WebSocket, subscriptions included.',
    default: '100',
    example: '1000',
  }),
  CADENZA_SOCKET_BUFFER_KB: documented(wholeNumber(1, 65_536).prefault('16'), {
    meaning:
      'Maximum amount of unsent data per reader in KiB. For a reader that is further behind only a cursor is kept.',
    default: '16',
    example: '256',
  }),
  CADENZA_COST_BUDGET: documented(wholeNumber(1_000, 1_000_000_000).prefault('200000'), {
    meaning:
      'Maximum cost of one operation, in about microseconds of server time (docs/cost.md). An operation that costs more is refused before it runs.',
    default: '200000',
    example: '1000000',
  }),
  CADENZA_STAFF_COST_BUDGET: documented(wholeNumber(1_000, 1_000_000_000).prefault('400000'), {
    meaning: 'Maximum cost of one operation for ANALYST and ADMIN if authentication is configured.',
    default: '400000',
    example: '2000000',
  }),
  CADENZA_SOCKET_COST: documented(wholeNumber(1_000, 1_000_000_000).prefault('4000000'), {
    meaning:
      'Maximum cost per minute of all operations and events of one WebSocket or event stream. Beyond it operations are refused and events wait.',
    default: '4000000',
    example: '20000000',
  }),
  CADENZA_RESULT_KB: documented(wholeNumber(16, 1_048_576).prefault('4096'), {
    meaning: 'Maximum size of a response in KiB.',
    default: '4096',
    example: '16384',
  }),
  CADENZA_OPERATION_SECONDS: documented(wholeNumber(1, 3_600).prefault('30'), {
    meaning:
      'Time limit for a query or mutation in seconds. After it the operation is aborted with `DEADLINE_EXCEEDED`.',
    default: '30',
    example: '10',
  }),
  CADENZA_HEARTBEAT_SECONDS: documented(wholeNumber(1, 3_600).prefault('15'), {
    meaning:
      'Seconds between heartbeats. A connection that accepts no data or answers no ping for two heartbeats is closed.',
    default: '15',
    example: '5',
  }),
  CADENZA_RATE_REQUESTS: documented(wholeNumber(1, 1000000).optional(), {
    meaning:
      'Operations per minute of one listener, over HTTP and WebSocket together. A SERVICE may send 20 times as many.',
    default: '3000; none without authentication',
    example: '600',
  }),
  CADENZA_RATE_MUTATIONS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'Mutation fields per minute of one listener. A SERVICE may send 20 times as many.',
    default: '600; none without authentication',
    example: '120',
  }),
  CADENZA_RATE_FEEDBACK: documented(wholeNumber(1, 10000000).optional(), {
    meaning:
      'Feedback items per minute of one listener; each item of a batch counts. A SERVICE may send 20 times as many.',
    default: '6000; none without authentication',
    example: '1000',
  }),
  CADENZA_RATE_ADDRESS: documented(wholeNumber(1, 10000000).optional(), {
    meaning: 'Requests and new connections per minute from one address (for IPv6: from one /64 network).',
    default: '12000; none without authentication',
    example: '60000',
  }),
  CADENZA_RATE_FAILURES: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'Invalid tokens per minute from one address.',
    default: '120; none without authentication',
    example: '30',
  }),
  CADENZA_RATE_VISITORS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'New visitors per minute from one address.',
    default: '10; none without authentication',
    example: '60',
  }),
  CADENZA_SOCKETS_PER_LISTENER: documented(wholeNumber(1, 1000000).optional(), {
    meaning:
      'WebSockets and event streams of one listener that a node keeps open at once. A SERVICE may open 20 times as many.',
    default: '50; none without authentication',
    example: '10',
  }),
  CADENZA_SOCKETS_PER_ADDRESS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'WebSockets from one address (for IPv6: from one /64 network) that a node keeps open at once.',
    default: '500; none without authentication',
    example: '2000',
  }),
  CADENZA_TRUSTED_PROXIES: documented(z.string().prefault('').transform(splitList).superRefine(checkProxies), {
    meaning:
      'Addresses and networks of the proxies in front of the server, separated by commas. The client’s address is taken from what they append to `X-Forwarded-For`.',
    default: null,
    example: 'loopback,10.0.0.0/8',
  }),
};
