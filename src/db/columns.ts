import { bigint, customType, timestamp } from 'drizzle-orm/pg-core';

export const id = () => bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
export const ref = () => bigint({ mode: 'number' }).notNull();
export const instant = () => timestamp({ withTimezone: true, mode: 'date', precision: 3 });
export const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });
export const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });
/** Ordered by bytes, whatever the database's collation. */
export const bytewise = customType<{ data: string }>({ dataType: () => 'text collate "C"' });
