import { resolve } from 'node:path';
import type { z } from 'zod';
import type { TracingConfig } from '../lib/tracing/otlp.ts';
import type {
  AuthConfig,
  ConnectionLimits,
  CostLimits,
  DraftLogConfig,
  KeptDays,
  MasterKeyConfig,
  NetworkConfig,
  RateConfig,
  VisitorConfig,
} from './contract.ts';
import { proxyUrl } from './proxies.ts';
import type { environment } from './variables.ts';

export const retentionOf = (values: z.infer<typeof environment>): Readonly<KeptDays> =>
  Object.freeze({
    drafts: values.CADENZA_DRAFT_DAYS ?? null,
    logs: values.CADENZA_LOG_DAYS,
    lists: values.CADENZA_LIST_DAYS,
    feedback: values.CADENZA_FEEDBACK_DAYS ?? null,
    usage: values.CADENZA_USAGE_DAYS ?? null,
    audit: values.CADENZA_AUDIT_DAYS,
  });

export function tracingOf(values: z.infer<typeof environment>): Readonly<TracingConfig> | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers = {} } = values;
  if (endpoint === undefined) return null;
  return { endpoint, headers, serviceName: values.OTEL_SERVICE_NAME, ratio: values.OTEL_TRACES_SAMPLER_ARG };
}

/** In production what only helps those who explore is off, unless it is asked for by name. */
export const isOn = (
  given: 'on' | 'off' | undefined,
  { CADENZA_PRODUCTION: production }: z.output<typeof environment>,
): boolean => (given ?? (production === 'on' ? 'off' : 'on')) === 'on';

export function networkOf(values: z.output<typeof environment>): Readonly<NetworkConfig> {
  const [http, https] = [proxyUrl(values.HTTP_PROXY), proxyUrl(values.HTTPS_PROXY)];
  const proxies = (http ?? https) ? { http, https, except: values.NO_PROXY ?? '' } : null;
  const hubEndpoint = values.HF_ENDPOINT?.replace(/\/+$/, '') ?? null;
  return Object.freeze({ hubToken: values.HF_TOKEN ?? null, hubEndpoint, proxies: proxies && Object.freeze(proxies) });
}

export function limitsOf(values: z.output<typeof environment>): Readonly<ConnectionLimits> {
  return Object.freeze({
    messageBytes: values.CADENZA_MESSAGE_KB * 1024,
    documentBytes: values.CADENZA_DOCUMENT_KB * 1024,
    operations: values.CADENZA_SOCKET_OPERATIONS,
    bufferBytes: values.CADENZA_SOCKET_BUFFER_KB * 1024,
    operationMs: values.CADENZA_OPERATION_SECONDS * 1000,
    heartbeatMs: values.CADENZA_HEARTBEAT_SECONDS * 1000,
  });
}

export const draftsAtOnce = ({
  CADENZA_DRAFTS_AT_ONCE: given,
  CADENZA_SLOTS: slots,
  CADENZA_QUEUE: queue,
}: z.output<typeof environment>): number => given ?? Math.floor((slots + queue) / 2);

export function visitorDraftsAtOnce(values: z.output<typeof environment>): number {
  const most = draftsAtOnce(values);
  return Math.min(most, values.CADENZA_VISITOR_DRAFTS_AT_ONCE ?? Math.max(1, Math.floor(most / 4)));
}

/** Without authentication only this machine is served, under any name it likes, so there are no limits by default. */
export function ratesOf(values: z.output<typeof environment>): Readonly<RateConfig> {
  const isOpen = authOf(values) === null;
  const limit = (given: number | undefined, usual: number) => given ?? (isOpen ? null : usual);
  return Object.freeze({
    requests: limit(values.CADENZA_RATE_REQUESTS, 3_000),
    mutations: limit(values.CADENZA_RATE_MUTATIONS, 600),
    feedback: limit(values.CADENZA_RATE_FEEDBACK, 6_000),
    address: limit(values.CADENZA_RATE_ADDRESS, 12_000),
    failures: limit(values.CADENZA_RATE_FAILURES, 120),
    visitors: limit(values.CADENZA_RATE_VISITORS, 10),
    socketsPerListener: limit(values.CADENZA_SOCKETS_PER_LISTENER, 50),
    socketsPerAddress: limit(values.CADENZA_SOCKETS_PER_ADDRESS, 500),
    trustedProxies: Object.freeze(values.CADENZA_TRUSTED_PROXIES),
  });
}

/** Without authentication every caller has every role, so the staff's higher budget does not apply. */
export function costOf(values: z.output<typeof environment>): Readonly<CostLimits> {
  const hasAuth = authOf(values) !== null;
  return Object.freeze({
    budget: values.CADENZA_COST_BUDGET,
    staffBudget: hasAuth ? values.CADENZA_STAFF_COST_BUDGET : values.CADENZA_COST_BUDGET,
    socketPerMinute: values.CADENZA_SOCKET_COST,
    resultBytes: values.CADENZA_RESULT_KB * 1024,
  });
}

export function masterKeyOf(values: z.output<typeof environment>): Readonly<MasterKeyConfig> | null {
  const { CADENZA_MASTER_KEY: keys, CADENZA_MASTER_KEY_FILE: path, CADENZA_MASTER_KEY_COMMAND: command } = values;
  if (keys !== undefined) return Object.freeze({ kind: 'key', keys });
  if (path !== undefined) return Object.freeze({ kind: 'file', path: resolve(path) });
  return command === undefined ? null : Object.freeze({ kind: 'command', command });
}

export function draftLogOf(values: z.output<typeof environment>): Readonly<DraftLogConfig> {
  const { CADENZA_LOG: kind, CADENZA_NATS_URL: url, CADENZA_NATS_REPLICAS: replicas } = values;
  return Object.freeze(kind === 'nats' && url !== undefined ? { kind, url, replicas } : { kind: 'postgres' });
}

export function visitorsOf(values: z.output<typeof environment>): Readonly<VisitorConfig> | null {
  const { CADENZA_VISITOR_SECRET: secret, CADENZA_VISITOR_HOURS: hours } = values;
  return secret === undefined ? null : Object.freeze({ secret, hours });
}

export function authOf(values: z.output<typeof environment>): Readonly<AuthConfig> | null {
  const claims = {
    issuer: values.CADENZA_JWT_ISSUER ?? null,
    audience: values.CADENZA_JWT_AUDIENCE ?? null,
    maxHours: values.CADENZA_JWT_MAX_HOURS,
  };
  if (values.CADENZA_JWT_SECRET !== undefined) {
    return Object.freeze({ kind: 'secret', secret: values.CADENZA_JWT_SECRET, ...claims });
  }
  if (values.CADENZA_JWKS_URL === undefined) return null;
  return Object.freeze({ kind: 'jwks', url: values.CADENZA_JWKS_URL, ...claims });
}
