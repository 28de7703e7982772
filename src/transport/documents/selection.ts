import { type ASTNode, type DocumentNode, type ExecutionArgs, getOperationAST, Kind, visit } from 'graphql';

/**
 * What a subscription asks of each event: two with the same key, handed the same event, are answered the same. The variables
 * in it are those that an event's answer can depend on. The arguments of the subscription's own field are none of them: they
 * choose the events, and readers of one draft differ in them (`after`) more often than not.
 */
export function selectionKey({ document, operationName, variableValues }: ExecutionArgs): string {
  const { key, variables } = selectionOf(document, operationName);
  // Mostly the very same string, which a look-up need not compare.
  return variables.length === 0 ? key : `${key} ${JSON.stringify(variables.map((name) => variableValues?.[name]))}`;
}

interface Selection {
  key: string;
  variables: readonly string[];
}

/** The pipeline parses a text once, so that a document stands for its text. */
const selections = new WeakMap<DocumentNode, Map<string, Selection>>();
let numbered = 0;

function selectionOf(document: DocumentNode, operationName: string | null | undefined): Selection {
  const ofDocument = selections.get(document) ?? new Map<string, Selection>();
  selections.set(document, ofDocument);
  const name = operationName ?? '';
  const selection = ofDocument.get(name) ?? {
    key: String(++numbered),
    variables: variablesOf(document, operationName),
  };
  ofDocument.set(name, selection);
  return selection;
}

function variablesOf(document: DocumentNode, operationName: string | null | undefined): readonly string[] {
  const operation = getOperationAST(document, operationName);
  const names = new Set<string>();
  const add = (node: ASTNode): void => {
    visit(node, { Variable: ({ name }) => void names.add(name.value) });
  };
  for (const definition of document.definitions) if (definition.kind === Kind.FRAGMENT_DEFINITION) add(definition);
  for (const selection of operation?.selectionSet.selections ?? []) {
    add(selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection);
  }
  return [...names].sort();
}
