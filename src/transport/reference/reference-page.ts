import type { GraphQLNamedType, GraphQLSchema } from 'graphql';
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isUnionType,
} from 'graphql';
import { Entries } from './entries.ts';
import { escaped } from './html.ts';

/** The kinds of types, in the order of the page. */
const KINDS = [
  { title: 'Objects', is: isObjectType },
  { title: 'Interfaces', is: isInterfaceType },
  { title: 'Unions', is: isUnionType },
  { title: 'Enums', is: isEnumType },
  { title: 'Inputs', is: isInputObjectType },
  { title: 'Scalars', is: isScalarType },
] as const;

interface Chapter {
  title: string;
  /** Names of entries: fields of a root type, or types. */
  entries: readonly { id: string; name: string; html: string }[];
}

/** The whole contract as one page: what can be asked for, and every type. All links are anchors in it. */
export function referencePage(schema: GraphQLSchema, files: { style: string; script: string }): string {
  const chapters = chaptersOf(schema).filter(({ entries }) => entries.length > 0);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Cadenza: schema reference</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${files.style}" />
    <script src="${files.script}" defer></script>
  </head>
  <body>
    <header>
      <h1>Cadenza: schema reference</h1>
      <p><a href="graphql">GraphiQL</a></p>
      <search>
        <label for="search">Search</label>
        <input id="search" type="search" autocomplete="off" placeholder="Press / to search" maxlength="100" />
        <p id="count" role="status"></p>
        <ol id="results"></ol>
      </search>
    </header>
    <nav aria-label="Contents">${chapters.map(contentsOf).join('')}</nav>
    <main>${chapters.map(chapterOf).join('')}</main>
  </body>
</html>
`;
}

function chaptersOf(schema: GraphQLSchema): Chapter[] {
  const entries = new Entries(schema);
  const roots = [
    { title: 'Queries', type: schema.getQueryType() },
    { title: 'Mutations', type: schema.getMutationType() },
    { title: 'Subscriptions', type: schema.getSubscriptionType() },
  ].map(({ title, type }) => ({ title, entries: type ? entries.ofRoot(type) : [] }));
  const isRoot = (type: GraphQLNamedType): boolean => entries.isRoot(type.name);
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isRoot(type))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const kinds = KINDS.map(({ title, is }) => ({
    title,
    entries: types.filter((type) => is(type)).map((type) => entries.ofType(type)),
  }));
  return [...roots, ...kinds];
}

const contentsOf = ({ title, entries }: Chapter): string =>
  `<details><summary>${title}</summary><ul>${entries
    .map(({ id, name }) => `<li><a href="#${id}">${escaped(name)}</a></li>`)
    .join('')}</ul></details>`;

const chapterOf = ({ title, entries }: Chapter): string =>
  `<section aria-label="${title}"><h2>${title}</h2>${entries.map(({ html }) => html).join('')}</section>`;
