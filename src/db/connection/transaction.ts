import type postgres from 'postgres';

/** One transaction's connection, for raw statements. */
export type Transaction = postgres.TransactionSql;
/** The pool, for raw statements. */
export type Sql = postgres.Sql;
