import type { LogOptions } from '../lib/log.ts';
import type { TracingConfig } from '../lib/tracing/otlp.ts';
import type { purposes } from './values.ts';
import type { devices, documentModes, kernels, roles } from './variables.ts';

/** How requests are authenticated. `Config.auth` is null if they are not. */
export type AuthConfig = {
  issuer: string | null;
  audience: string | null;
  /** Maximum time until a token's expiry, in hours; 720 by default. */
  maxHours?: number;
} & ({ kind: 'secret'; secret: string } | { kind: 'jwks'; url: string });

/** How visitors' tokens are signed, and for how many hours they are valid. */
export interface VisitorConfig {
  secret: string;
  hours: number;
}

/** Storage of the drafts' logs: the database or NATS JetStream. */
export type DraftLogConfig = { kind: 'postgres' } | { kind: 'nats'; url: string; replicas: number };

/** Where the keys are that wrap the listeners' data keys. All of it is secret. */
export type MasterKeyConfig =
  { kind: 'key'; keys: string } | { kind: 'file'; path: string } | { kind: 'command'; command: string };

/** For how many days each kind of data is kept. Null: until somebody deletes it. */
export interface KeptDays {
  /** Finished drafts since their last change. */
  drafts: number | null;
  /** Events of finished drafts, of which only the text is kept afterwards. */
  logs: number;
  lists: number;
  feedback: number | null;
  usage: number | null;
  audit: number;
}

/** The limits of one connection. */
export interface ConnectionLimits {
  /** Maximum size of a request body or a WebSocket message. */
  messageBytes: number;
  /** Maximum size of a document. */
  documentBytes: number;
  /** Maximum number of concurrent operations on one WebSocket. */
  operations: number;
  /** Maximum amount of unsent data for one reader. */
  bufferBytes: number;
  /** Time limit for a query or mutation. */
  operationMs: number;
  /** Interval between heartbeats. */
  heartbeatMs: number;
}

/** Limits of one listener or address per minute, and on open connections. Null means unlimited. */
export interface RateConfig {
  /** Operations, mutation fields and feedback items per minute of one listener. */
  requests: number | null;
  mutations: number | null;
  feedback: number | null;
  /** Requests and invalid tokens per minute from one address. */
  address: number | null;
  failures: number | null;
  /** New visitors per minute from one address. */
  visitors: number | null;
  socketsPerListener: number | null;
  socketsPerAddress: number | null;
  /** Addresses and networks whose `X-Forwarded-For` is trusted. */
  trustedProxies: readonly string[];
}

/** The proxies and the hub token for fetching model files. All of it is secret. */
export interface NetworkConfig {
  hubToken: string | null;
  /** A mirror of the hub. */
  hubEndpoint: string | null;
  proxies: { http: string | null; https: string | null; except: string } | null;
}

/** Limits on the cost of operations, in units of the schema's `@cost`, and on the size of responses. */
export interface CostLimits {
  /** Maximum cost of one operation. */
  budget: number;
  /** Maximum cost of one operation of an ANALYST or ADMIN. */
  staffBudget: number;
  /** Maximum cost per minute of all operations and events of one connection. */
  socketPerMinute: number;
  /** Maximum size of one response as JSON. */
  resultBytes: number;
}

export interface Config extends Readonly<LogOptions> {
  /** 0 selects any free port. */
  readonly port: number;
  readonly host: string;
  /** Null for the embedded PostgreSQL. It may contain a password: print it with `maskPassword` only. */
  readonly databaseUrl: string | null;
  /** The schema of the tables. */
  readonly databaseSchema: string;
  /** Maximum number of connections to the database, all together. */
  readonly databaseConnections: number;
  /** Null: an embedded database has its key in the data folder, and another stores what people write as it is. */
  readonly masterKey: Readonly<MasterKeyConfig> | null;
  /** Absolute path. */
  readonly dataDir: string;
  /** Whether what is unsafe prevents the start. */
  readonly production: boolean;
  /** Whether the built-in demo is loaded into an empty database. */
  readonly demo: boolean;
  readonly auth: Readonly<AuthConfig> | null;
  /** Null if nothing is traced. */
  readonly tracing: Readonly<TracingConfig> | null;
  /** Null if there are no visitors. */
  readonly visitors: Readonly<VisitorConfig> | null;
  /** Origins of web pages that may call the server in addition to its own. */
  readonly corsOrigins: readonly string[];
  /** Whether the GraphQL path serves GraphiQL to browsers. */
  readonly graphiql: boolean;
  /** Whether operations are taken by GET. */
  readonly takesGet: boolean;
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  /** Which GraphQL documents are executed. */
  readonly documents: (typeof documentModes)[number];
  /** Whether the Studio is served. */
  readonly studio: boolean;
  readonly limits: Readonly<ConnectionLimits>;
  readonly rates: Readonly<RateConfig>;
  readonly cost: Readonly<CostLimits>;
  /** Absolute path of the operator's model catalogue. */
  readonly modelsFile: string | null;
  /** Absolute path of the price table. */
  readonly pricesFile: string | null;
  readonly fetchModels: boolean;
  readonly network: Readonly<NetworkConfig>;
  /** Where models run. */
  readonly device: (typeof devices)[number];
  readonly kernels: (typeof kernels)[number];
  /** Threads of the inference engine. */
  readonly threads: number;
  /** Number of drafts that a model writes at the same time. */
  readonly slots: number;
  /** Number of drafts that may wait for a model. */
  readonly queue: number;
  /** Number of drafts of one listener that may wait or be written at once. */
  readonly draftsAtOnce: number;
  /** The same of one visitor. */
  readonly visitorDraftsAtOnce: number;
  /** Probability that a position of a list is filled at random. */
  readonly exploration: number;
  /** `api` serves clients, `engine` writes drafts, `all` does both. */
  readonly role: (typeof roles)[number];
  /** Storage of the drafts' logs. */
  readonly draftLog: Readonly<DraftLogConfig>;
  /** Whether the alternatives of each token are kept with a draft. */
  readonly keepsAlternatives: boolean;
  /** What the feedback of listeners who have not said may be used for. */
  readonly consentUnlessSaid: Readonly<Record<(typeof purposes)[number], boolean>>;
  /** For how many days each kind of data is kept. */
  readonly retention: Readonly<KeptDays>;
  /** Memory for all loaded models together, in MiB. Null means half of the machine's memory. */
  readonly modelMemoryMb: number | null;
  /** Minutes after which an idle model is unloaded. */
  readonly modelIdleMinutes: number;
  /** Problems that do not prevent the start, for the log. */
  readonly warnings: readonly string[];
}
