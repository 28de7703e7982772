import type { AuditEntry, AuditQuery } from '../../access/access.ts';
import { CadenzaError } from '../../lib/errors.ts';
import type { Page } from '../../lib/page.ts';
import { factsOfRequest } from '../../lib/request-facts.ts';
import { accountOf } from '../../listeners/listeners.ts';
import type { Context } from '../context.ts';
import { decodeId } from '../global-id.ts';

export const auditLog = (query: AuditQuery, { audit }: Context): Promise<Page<AuditEntry>> => audit.list(query);

/** Acts, and records what came of it, refusals and failures included ([AUDIT1]). */
export async function recorded<Result>(
  action: string,
  args: Record<string, unknown>,
  context: Context,
  act: () => Result | Promise<Result>,
): Promise<Result> {
  // Whoever is erased has no id afterwards.
  const subject = await subjectOf(action, args, context);
  const { viewer, audit } = context;
  const note = (outcome: string): Promise<void> =>
    audit.record({
      ...{ action, outcome, ...subject, listenerId: accountOf(viewer).id, keyPrefix: viewer.key?.prefix ?? null },
      ...{ address: viewer.address ?? null, requestId: factsOfRequest()?.requestId ?? null },
    });
  let result: Result;
  try {
    result = await act();
  } catch (error) {
    await note(error instanceof CadenzaError ? error.code : 'FAILED');
    throw error;
  }
  await note(failureOf(result) ?? 'DONE');
  return result;
}

const failureOf = (result: unknown): string | null => {
  const { failure } = Object(result) as { failure?: unknown };
  return typeof failure === 'string' ? failure : null;
};

interface Subject {
  subjectId: number | null;
  object: string | null;
}

/** Listeners are noted by their numbers, so that nothing of theirs is left here after their erasure. */
async function subjectOf(action: string, args: Record<string, unknown>, context: Context): Promise<Subject> {
  if (action === 'eraseMe' || action === 'claimVisitor') return { subjectId: context.viewer.listener.id, object: null };
  const input = Object(args.input ?? args) as Record<string, unknown>;
  const [global, external] = [textOf(input.listenerId), textOf(input.externalId) ?? textOf(input.owner)];
  if (global !== null) return { subjectId: numberIn(global), object: null };
  if (external !== null) {
    const found = external.includes('\0') ? null : await context.listeners.byExternalId(external);
    return { subjectId: found?.id ?? null, object: null };
  }
  if (action === 'setConsent') return { subjectId: context.viewer.listener.id, object: null };
  return { subjectId: null, object: objectOf(input) };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function numberIn(global: string): number | null {
  try {
    const { type, id } = decodeId(global, 'listenerId');
    return type === 'Listener' ? Number(id) : null;
  } catch {
    return null;
  }
}

/** What names the object of an operator's action, or how many there are. */
function objectOf(input: Record<string, unknown>): string | null {
  const named = textOf(input.id) ?? textOf(input.modelVersion) ?? textOf(input.name);
  if (named !== null) return named;
  const lists = [input, input.ids, input.externalIds].filter(Array.isArray);
  return lists.length > 0 ? `${lists.reduce((sum, list) => sum + list.length, 0)} items` : null;
}
