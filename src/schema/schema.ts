import { lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './scalars.ts';
import './nodes.ts';
import './catalogue.ts';
import './recommendations.ts';
import './analytics.ts';
import './model-versions.ts';
import './listeners.ts';
import './models.ts';
import './drafts.ts';
import './draft-mutations.ts';

/** The contract, executable. */
export function buildSchema(): GraphQLSchema {
  return builder.toSchema({ sortSchema: true });
}

/** The contract as `schema.graphql` holds it. */
export function printContract(schema: GraphQLSchema = buildSchema()): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
