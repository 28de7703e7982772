export { type AuditEntry, AuditLog, type AuditQuery } from './audit.ts';
export { createApiKeys } from './keys/api-keys.ts';
export {
  type ApiKey,
  type ApiKeys,
  type IssuedKey,
  type NewApiKey,
  type QuotaInput,
  type QuotaState,
} from './contract.ts';
export { isMeantAsKey } from './keys/key-format.ts';
export { usageOfMonth, type UsageTotal } from './usage/month.ts';
export { amountText, owedFor, type PriceTable, readPrices } from './usage/prices.ts';
export { TrustedDocuments } from './trusted-documents.ts';
export { UsageMeter, type UsageOfDay } from './usage/usage.ts';
export { type Removal, removalsOf, Retention } from './retention.ts';
