import {
  defaultFieldResolver,
  getNamedType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
  isUnionType,
} from 'graphql';
import { recorded } from '../../resolvers/access/audit.ts';
import { type Context, requireRole } from '../../resolvers/context.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { auditedFields, containedTypes, type FieldRule, fieldRules } from './rules.ts';

/**
 * Lets the rules decide who may use a field ([ROLE1]). What depends on whom an object belongs to is decided where that is
 * known, in the domain; a test holds both to the table.
 * @throws Error for a field without a rule, and for a rule without a field
 */
export function guarded(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type) && !type.name.startsWith('__')) guardType(type);
  }
  return schema;
}

function guardType(type: GraphQLObjectType): void {
  const rules = fieldRules[type.name];
  if (!rules) {
    if (isContained(type)) return;
    throw new Error(`${type.name} has no rule in src/schema/access/rules.ts that says who may see it`);
  }
  const fields = type.getFields();
  const stale = Object.keys(rules).find((name) => !(name in fields));
  if (stale !== undefined) throw new Error(`${type.name}.${stale} has a rule and is not in the schema`);
  for (const field of Object.values<GraphQLField<unknown, Context>>(fields)) {
    const rule = rules[field.name];
    if (!rule) throw new Error(`${type.name}.${field.name} has no rule in src/schema/access/rules.ts: who may use it?`);
    if (rule.for === 'roles') guardField(field, rule);
    if (auditedFields.has(`${type.name}.${field.name}`)) recordField(field);
  }
}

/** What a mutation returns, an edge and a connection are seen by whoever gets them. */
const isContained = ({ name }: GraphQLObjectType): boolean =>
  containedTypes.has(name) || /(?:Success|Error|Edge|Connection)$/.test(name);

/** A mutation returns the refusal, if its result has a place for it; any other field fails with it. */
function guardField(field: GraphQLField<unknown, Context>, { roles }: FieldRule & { for: 'roles' }): void {
  const { resolve = defaultFieldResolver } = field;
  const type = getNamedType(field.type);
  const returnsIt = isUnionType(type) && type.getTypes().some(({ name }) => name === 'ForbiddenError');
  field.resolve = (source, args, context, info): unknown => {
    const act = (): unknown => {
      requireRole(context, ...roles);
      return resolve(source, args, context, info);
    };
    return returnsIt ? outcome(['ForbiddenError'], () => Promise.resolve().then(act)) : act();
  };
}

/** Refusals are recorded as well. */
function recordField(field: GraphQLField<unknown, Context>): void {
  const { resolve = defaultFieldResolver } = field;
  field.resolve = (source, args: Record<string, unknown>, context, info): unknown =>
    recorded(field.name, args, context, () => resolve(source, args, context, info));
}
