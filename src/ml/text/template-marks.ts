import { type ChatTemplate, surroundings } from './chat-template.ts';
import { createTokenizer, type Tokenizer, type TokenizerDescription } from './tokenizer.ts';

/**
 * What a mark looks like: `<|im_end|>`, `</s>`, `[INST]`, `<｜User｜>`. A token of its own in a template may also be a word or a line
 * break, which must stay text.
 */
const MARK = /^[\p{P}\p{S}](?=.*[\p{L}\p{N}])\S*[\p{P}\p{S}]$/u;

/**
 * The tokenizer with the marks of the template as control tokens, whatever kind the files say they are: they are not printed, a
 * user's text cannot hold them (SPEC [GEN11]), and the one that ends an answer in the template ends it.
 */
export function createMarkedTokenizer(description: TokenizerDescription, template: ChatTemplate): Tokenizer {
  const { pieces, afterAnswer } = surroundings(template);
  const plain = createTokenizer(description);
  const marks = findMarks(pieces, description, plain);
  const tokenizer = marks.size === 0 ? plain : createTokenizer(withControls(description, marks));
  const controls = new Set(tokenizer.controls.values());
  // What comes later may belong to the next turn, whose beginning ends nothing.
  const [end] = tokenizer.encode(afterAnswer.trimStart());
  if (end === undefined || !controls.has(end)) return tokenizer;
  return { ...tokenizer, ends: new Set([...tokenizer.ends, end]) };
}

/** Tokens that stand in the template, look like a mark and are none yet. */
function findMarks(pieces: readonly string[], { tokens }: TokenizerDescription, plain: Tokenizer): Set<number> {
  const marks = new Set<number>();
  for (const [id, { text, kind }] of tokens.entries()) {
    if (kind === 'control' || !MARK.test(text) || !pieces.some((piece) => piece.includes(text))) continue;
    // An ordinary token that text comes to is text; one that no text comes to can only be meant as a mark.
    if (kind !== 'text' || plain.encode(text).join() !== String(id)) marks.add(id);
  }
  return marks;
}

function withControls(description: TokenizerDescription, marks: ReadonlySet<number>): TokenizerDescription {
  const { json, tokens } = description;
  const added = json.added_tokens.filter(({ id }) => !marks.has(id));
  const made = [...marks].map((id) => ({ id, content: tokens[id]?.text ?? '', special: true, normalized: false }));
  return {
    ...description,
    json: { ...json, added_tokens: [...added, ...made] },
    tokens: tokens.map((token, id) => (marks.has(id) ? { ...token, kind: 'control' } : token)),
  };
}
