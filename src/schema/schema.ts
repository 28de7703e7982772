import './scalars.ts';
import './nodes.ts';
import './catalogue/catalogue.ts';
import './catalogue/mutations.ts';
import './catalogue/queries.ts';
import './catalogue/metadata.ts';
import './recommend/group-recommendations.ts';
import './recommend/recommendations.ts';
import './recommend/onboarding.ts';
import './analytics/analytics.ts';
import './analytics/off-policy.ts';
import './recommend/model-versions.ts';
import './listeners/listeners.ts';
import './listeners/consent.ts';
import './listeners/visitors.ts';
import './access/keys.ts';
import './access/audit.ts';
import './access/usage.ts';
import './feedback.ts';
import './models.ts';
import './language/language.ts';
import './tunes/check-tune.ts';
import './tunes/tune.ts';
import './drafts/drafts.ts';
import './drafts/draft-events.ts';
import './drafts/draft-mutations.ts';
import './versions/draft-group.ts';
import './versions/draft-tokens.ts';
import './versions/draft-tree.ts';
import './language/score.ts';
import './language/translate.ts';
import './documents/document.ts';
import './documents/document-mutations.ts';
import './documents/document-events.ts';
import './documents/document-sharing.ts';
import './documents/assist.ts';
import './documents/assist-mutations.ts';
import './documents/suggestions.ts';
import './report/report.ts';
import { printSchemaWithDirectives } from '@graphql-tools/utils';
import { type GraphQLSchema, lexicographicSortSchema, specifiedDirectives } from 'graphql';
import { guarded } from './access/guard.ts';
import { builder } from './builder.ts';
import { costDirectives, priced } from './cost/cost-directives.ts';

let built: GraphQLSchema | undefined;

/**
 * The executable contract with the fields' costs and who may use them. It is built once in a process, which the server and
 * its reference share.
 */
export function buildSchema(): GraphQLSchema {
  built ??= guarded(
    priced(builder.toSchema({ sortSchema: true, directives: [...specifiedDirectives, ...costDirectives] })),
  );
  return built;
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
