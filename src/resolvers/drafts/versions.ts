import {
  type ApplyRewriteInput,
  type BranchDraftInput,
  type Draft,
  type DraftOrigin,
  fittedPassage,
  type RewriteDraftInput,
  type RewriteOrigin,
} from '../../drafts/drafts.ts';
import type { Page, PageArgs } from '../../lib/page.ts';
import type { Context } from '../context.ts';
import { asSent, idOf } from '../global-id.ts';
import { chosenDraft, type DraftChoice, type FormArgs, formFrom } from './drafts.ts';

export interface BranchDraftArgs extends Omit<BranchDraftInput, 'form'> {
  form?: FormArgs | null;
}

export async function branchDraft({ draftId, form, ...input }: BranchDraftArgs, context: Context): Promise<Draft> {
  const id = idOf('Draft', draftId, 'input.draftId');
  const asked = { ...input, form: formFrom(form), draftId: id };
  return asSent(draftId, () => context.drafts.branch(context.viewer, asked));
}

export async function rewriteDraft(
  input: Omit<RewriteDraftInput, 'draftId'> & DraftChoice,
  context: Context,
): Promise<Draft> {
  const { draftId: _, newest: __, ...asked } = input;
  const { sent, id, ifRevision } = await chosenDraft(input, 'TEXT', context);
  return asSent(sent, () => context.drafts.rewrite(context.viewer, { ...asked, ifRevision, draftId: id }));
}

export async function applyRewrite(
  input: Omit<ApplyRewriteInput, 'draftId'> & DraftChoice,
  context: Context,
): Promise<Draft> {
  const { draftId: _, newest: __, ...asked } = input;
  const { sent, id } = await chosenDraft(input, 'REWRITE', context);
  return asSent(sent, () => context.drafts.apply(context.viewer, { ...asked, draftId: id }));
}

export async function parentOf({ parentId }: Draft, { loaders }: Context): Promise<Draft | null> {
  return parentId === null ? null : ((await loaders.drafts.load(parentId)) ?? null);
}

export const childrenOf = ({ id }: Draft, page: PageArgs, { drafts, viewer }: Context): Promise<Page<Draft>> =>
  drafts.childrenOf(viewer, id, page);

/** How a draft came from another draft. One that is written for a document did not. */
export type TreeOrigin = Exclude<DraftOrigin, { type: 'ASSIST' }>;

export const treeOriginOf = ({ origin }: Draft): TreeOrigin | null => (origin?.type === 'ASSIST' ? null : origin);

/** Where a draft parts from the one that it came from, in code points. */
export function rangeOfOrigin(origin: TreeOrigin): { start: number; end: number } {
  switch (origin.type) {
    case 'RETRY':
      return { start: 0, end: 0 };
    case 'BRANCH':
      return { start: origin.at, end: origin.at };
    case 'REWRITE':
      return origin;
  }
}

/** The passage that a draft writes for another, with what it has written. */
export const rewriteOf = ({ origin, text }: Draft): (RewriteOrigin & { text: string }) | null =>
  origin?.type === 'REWRITE' ? { ...origin, text } : null;

export const replacementOf = (rewrite: RewriteOrigin & { text: string }): string =>
  fittedPassage(rewrite.text, rewrite);
