import { z } from 'zod';
import { logFormats, logLevels } from '../../lib/log.ts';
import { headerList, httpUrl, oneOf, share } from '../values.ts';
import { documented } from './documented.ts';

/** What the server tells of itself. */
export const telemetryVariables = {
  CADENZA_LOG_LEVEL: documented(oneOf(logLevels).prefault('info'), {
    meaning: `Least severe level that is logged: ${logLevels.join(', ')}.`,
    default: 'info',
    example: 'debug',
  }),
  CADENZA_LOG_FORMAT: documented(oneOf(logFormats).prefault('auto'), {
    meaning:
      '`auto`: readable text on a terminal, otherwise one JSON object per line. `json` or `pretty`: always that format.',
    default: 'auto',
    example: 'json',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: documented(httpUrl.optional(), {
    meaning:
      'URL of a collector that takes traces over OTLP (HTTP, JSON), without `/v1/traces`. Without it nothing is traced.',
    default: null,
    example: 'http://collector.example.com:4318',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: documented(headerList.optional(), {
    meaning: 'Headers that are sent to the collector: `name=value`, separated by commas.',
    default: null,
    example: 'authorization=Bearer …',
    secret: true,
  }),
  OTEL_SERVICE_NAME: documented(z.string().trim().max(100).prefault('cadenza'), {
    meaning: 'Name of this service in traces.',
    default: 'cadenza',
    example: 'cadenza-eu',
  }),
  OTEL_TRACES_SAMPLER_ARG: documented(share(1).prefault('1'), {
    meaning:
      'Share of requests that are traced, 0 to 1. `traceparent` decides it only of requests that one of `CADENZA_TRUSTED_PROXIES` sends.',
    default: '1',
    example: '0.05',
  }),
};
