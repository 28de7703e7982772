import type { ExecutionResult, GraphQLError } from 'graphql';

type Path = NonNullable<GraphQLError['path']>;

/**
 * One error for each place that is null because of errors, the first. Where a list that may not be null fails in several
 * items, the interpreter reports one of them and compiled code all; a client learns nothing from the others.
 */
export function onePerNulledPlace(result: ExecutionResult): ExecutionResult {
  const { data = null, errors } = result;
  if (!errors || errors.length < 2) return result;
  const seen = new Set<string>();
  const kept = errors.filter(({ path }) => {
    const place = path ? JSON.stringify(nulledPlace(data, path)) : null;
    if (place === null) return true;
    const isNew = !seen.has(place);
    seen.add(place);
    return isNew;
  });
  return { ...result, errors: kept };
}

/** The beginning of the path that is null in the answer: the field that failed, or what could not be without it. */
function nulledPlace(data: unknown, path: Path): Path {
  let value = data;
  for (const [depth, key] of path.entries()) {
    if (value === null || value === undefined) return path.slice(0, depth);
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return path;
}
