import { type ASTNode, type DocumentNode, type ExecutionArgs, getOperationAST, Kind, visit } from 'graphql';

/**
 * A key for what a subscription selects of each event: two subscriptions with the same key answer the same event in the
 * same way. It contains the variables that an answer can depend on, but not the arguments of the subscription field.
 * Those select the events, and readers of one draft usually differ in them (`after`).
 */
export function selectionKey({ document, operationName, variableValues }: ExecutionArgs): string {
  const { key, variables } = selectionOf(document, operationName);
  // Usually the same string object, which is compared by reference.
  return variables.length === 0 ? key : `${key} ${JSON.stringify(variables.map((name) => variableValues?.[name]))}`;
}

interface Selection {
  key: string;
  variables: readonly string[];
}

/** A text is parsed once, so a document object identifies its text. */
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
