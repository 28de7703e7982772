import './scalars.ts';
import './nodes.ts';
import './catalogue/catalogue.ts';
import './catalogue/mutations.ts';
import './catalogue/queries.ts';
import './catalogue/metadata.ts';
import './recommendations.ts';
import './onboarding.ts';
import './analytics.ts';
import './model-versions.ts';
import './listeners.ts';
import './feedback.ts';
import './models.ts';
import './tunes/check-tune.ts';
import './tunes/tune.ts';
import './drafts.ts';
import './draft-mutations.ts';
import { printSchemaWithDirectives } from '@graphql-tools/utils';
import { type GraphQLSchema, lexicographicSortSchema, specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';
import { costDirectives, priced } from './cost-directives.ts';

/** The executable contract with the fields' costs. */
export function buildSchema(): GraphQLSchema {
  return priced(builder.toSchema({ sortSchema: true, directives: [...specifiedDirectives, ...costDirectives] }));
}

/** The contract as printed in `schema.graphql`. */
export function printContract(schema: GraphQLSchema = buildSchema()): string {
  const spaced = (_: string, before: string, description: string): string =>
    '{('.includes(before) ? `${before}\n${description}` : `${before}\n\n${description}`;
  return `${printSchemaWithDirectives(lexicographicSortSchema(schema)).replace(DESCRIPTION, spaced)}\n`;
}

/**
 * The description of a field or an argument, with what precedes it. All but the first are separated by a blank line,
 * which the printer omits.
 */
const DESCRIPTION = /(.)\n(( {2,})"""(?:.+"""|\n[^]*?\n\3"""))/g;
