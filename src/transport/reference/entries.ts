import type {
  GraphQLArgument,
  GraphQLField,
  GraphQLInputField,
  GraphQLNamedType,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLType,
} from 'graphql';
import {
  astFromValue,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isUnionType,
  print,
} from 'graphql';
import { costDirectivesOf } from '../../schema/cost/cost-directives.ts';
import { described, escaped } from './html.ts';

interface Entry {
  id: string;
  name: string;
  html: string;
}

/** The entries of a schema's reference: one for each type and for each field of a root type. */
export class Entries {
  readonly #schema: GraphQLSchema;
  readonly #roots: ReadonlySet<string>;
  /** For each type the ids of the fields and arguments of that type. */
  readonly #uses = new Map<string, Set<string>>();
  readonly #ids = new Set<string>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    this.#roots = new Set(roots.flatMap((root) => root?.name ?? []));
    for (const type of Object.values(schema.getTypeMap())) if (!isIntrospectionType(type)) this.#note(type);
  }

  isRoot(name: string): boolean {
    return this.#roots.has(name);
  }

  ofRoot(root: GraphQLObjectType): Entry[] {
    return Object.values(root.getFields()).map((field) => {
      const id = `${root.name}.${field.name}`;
      return { id, name: field.name, html: `<article>${this.#field(id, field, 'h3')}</article>` };
    });
  }

  ofType(type: GraphQLNamedType): Entry {
    const { name, description } = type;
    const html = `<article id="${name}" data-entry>
      <h3><code>${name}</code> <small>${kindOf(type)}</small></h3>
      ${this.#described(description)}${this.#members(type)}${this.#usedBy(name)}</article>`;
    return { id: name, name, html };
  }

  #note(type: GraphQLNamedType): void {
    this.#ids.add(type.name);
    if (isUnionType(type)) for (const member of type.getTypes()) this.#use(member.name, type.name);
    if (isEnumType(type)) for (const { name } of type.getValues()) this.#ids.add(`${type.name}.${name}`);
    if (isInputObjectType(type)) {
      for (const { name, type: of } of Object.values(type.getFields()))
        this.#noteField(type.name, name, [getNamedType(of).name]);
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return;
    for (const { name, type: result, args } of Object.values(type.getFields()))
      this.#noteField(
        type.name,
        name,
        [result, ...args.map((arg) => arg.type)].map((of) => getNamedType(of).name),
      );
  }

  #noteField(type: string, name: string, uses: readonly string[]): void {
    const id = `${type}.${name}`;
    this.#ids.add(id);
    for (const used of uses) this.#use(used, id);
  }

  #use(type: string, by: string): void {
    this.#uses.set(type, (this.#uses.get(type) ?? new Set()).add(by));
  }

  #members(type: GraphQLNamedType): string {
    const list = (title: string, names: readonly string[]): string =>
      names.length === 0
        ? ''
        : `<p>${title}: ${names.map((name) => `<code>${this.#link(name)}</code>`).join(', ')}</p>`;
    if (isUnionType(type)) return list('One of', type.getTypes().map(({ name }) => name)); // prettier-ignore
    if (isEnumType(type)) {
      return type
        .getValues()
        .map(({ name, description }) => this.#item(`${type.name}.${name}`, escaped(name), description))
        .join('');
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      return fields
        .map((field) => this.#item(`${type.name}.${field.name}`, this.#typed(field), field.description))
        .join('');
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return '';
    const fields = Object.values(type.getFields()).map((field) =>
      this.#field(`${type.name}.${field.name}`, field, 'h4'),
    );
    const types = isInterfaceType(type) ? this.#schema.getPossibleTypes(type).map(({ name }) => name) : [];
    return (
      list('Implements', type.getInterfaces().map(({ name }) => name)) + list('Implemented by', types) + fields.join('') // prettier-ignore
    );
  }

  #field(id: string, field: GraphQLField<unknown, unknown>, heading: 'h3' | 'h4'): string {
    const { name, args, type, description, deprecationReason } = field;
    const deprecated = deprecationReason == null ? '' : `<p>Deprecated: ${escaped(deprecationReason)}</p>`;
    const parameters = args.map(
      (arg) => `<dt><code>${this.#typed(arg)}</code></dt><dd>${this.#described(arg.description)}</dd>`,
    );
    return `<div id="${id}" class="field" data-entry>
      <${heading}><code>${escaped(name)}: ${this.#typeText(type)}</code></${heading}>
      ${this.#described(description)}${deprecated}
      ${parameters.length > 0 ? `<dl>${parameters.join('')}</dl>` : ''}${costOf(field)}</div>`;
  }

  #item(id: string, code: string, description: string | null | undefined): string {
    return `<div id="${id}" class="field" data-entry><h4><code>${code}</code></h4>${this.#described(description)}</div>`;
  }

  #typed({ name, type, defaultValue }: GraphQLArgument | GraphQLInputField): string {
    const value = defaultValue === undefined ? null : astFromValue(defaultValue, type);
    return `${escaped(name)}: ${this.#typeText(type)}${value ? ` = ${escaped(print(value))}` : ''}`;
  }

  #typeText(type: GraphQLType): string {
    const { name } = getNamedType(type);
    return type.toString().replace(name, () => this.#link(name) ?? escaped(name));
  }

  #link(name: string): string | null {
    return this.#ids.has(name) && !this.isRoot(name) ? `<a href="#${name}">${escaped(name)}</a>` : null;
  }

  #usedBy(name: string): string {
    const uses = [...(this.#uses.get(name) ?? [])];
    if (uses.length === 0) return '';
    const links = uses.map((id) => `<code>${this.#link(id)}</code>`).join(', ');
    return `<details class="uses"><summary>Used by ${uses.length}</summary><p>${links}</p></details>`;
  }

  #described(description: string | null | undefined): string {
    return described(description, (name) => this.#link(name));
  }
}

function kindOf(type: GraphQLNamedType): string {
  if (isObjectType(type)) return 'object';
  if (isInterfaceType(type)) return 'interface';
  if (isUnionType(type)) return 'union';
  if (isEnumType(type)) return 'enum';
  return isInputObjectType(type) ? 'input' : 'scalar';
}

/** What a field costs, in the words of docs/cost.md. Most fields cost 1. */
function costOf(field: GraphQLField<unknown, unknown>): string {
  const { weight, size } = costDirectivesOf(field);
  const items =
    size?.slicingArguments?.map((name) => `<code>${escaped(name)}</code>`).join(' or ') ?? size?.assumedSize;
  const parts = [weight?.toLocaleString('en') ?? '', items === undefined ? '' : `its selection ${items} times`];
  const text = parts.filter(Boolean).join(' and ');
  return text === '' ? '' : `<p class="cost">Cost: ${text}</p>`;
}
