import { type ChatTemplate, surroundings } from './chat-template.ts';
import { createTokenizer, isPieceModel, type Tokenizer, type TokenizerDescription } from './tokenizer/tokenizer.ts';

/**
 * The form of a mark: `<
 * im_end
 * >`, `</s>`, `[INST]`, `<｜User｜>`. A template may also contain tokens that are words or line breaks; those must stay
 * text.
 */
const MARK = /^[\p{P}\p{S}](?=.*[\p{L}\p{N}])\S*[\p{P}\p{S}]$/u;

/**
 * A tokenizer in which the template's marks are control tokens, whatever kind the files declare: they are not shown, a
 * user's text cannot contain them ([GEN11]), and the one after an answer in the template ends an answer.
 */
export function createMarkedTokenizer(description: TokenizerDescription, template: ChatTemplate): Tokenizer {
  const { pieces, afterAnswer } = surroundings(template);
  const plain = createTokenizer(description);
  const marks = findMarks(pieces, description, plain);
  const tokenizer = marks.size === 0 ? plain : createTokenizer(withControls(description, marks));
  const controls = new Set(tokenizer.controls.values());
  // Later tokens may belong to the beginning of the next turn, which ends nothing.
  const [end] = tokenizer.encode(afterAnswer.trimStart());
  if (end === undefined || !controls.has(end)) return tokenizer;
  return { ...tokenizer, ends: new Set([...tokenizer.ends, end]) };
}

/** Tokens that occur in the template, look like a mark and are not declared as one. */
function findMarks(pieces: readonly string[], { tokens }: TokenizerDescription, plain: Tokenizer): Set<number> {
  const marks = new Set<number>();
  for (const [id, { text, kind }] of tokens.entries()) {
    if (kind === 'control' || !MARK.test(text) || !pieces.some((piece) => piece.includes(text))) continue;
    // An ordinary token that texts are encoded to is text. One that no text is encoded to can only be meant as a mark.
    if (kind !== 'text' || plain.encode(text).join() !== String(id)) marks.add(id);
  }
  return marks;
}

function withControls(description: TokenizerDescription, marks: ReadonlySet<number>): TokenizerDescription {
  const { encoder } = description;
  const tokens = description.tokens.map((token, id) =>
    marks.has(id) ? { ...token, kind: 'control' as const } : token,
  );
  if (isPieceModel(encoder)) return { ...description, tokens };
  const added = encoder.added_tokens.filter(({ id }) => !marks.has(id));
  const made = [...marks].map((id) => ({ id, content: tokens[id]?.text ?? '', special: true, normalized: false }));
  return { ...description, encoder: { ...encoder, added_tokens: [...added, ...made] }, tokens };
}
