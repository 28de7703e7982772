import type { Draft } from '../../drafts/drafts.ts';
import type { TextMood } from '../../language/language.ts';
import { InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { countCodePoints } from '../../lib/text/code-points.ts';
import type { Context } from '../context.ts';
import { idOf } from '../global-id.ts';

type Moods = Pick<Context, 'drafts' | 'viewer' | 'language' | 'lifetime'>;

/** Length of a piece of text in UTF-16 units: at most as many code points as one text may have. */
const PIECE = 4_000;

/**
 * The mood of a draft's text as it is now, the mean of its pieces'.
 * @throws NotFoundError; InvalidInputError if it has no text; ModelUnavailableError
 */
export async function moodOfDraft(sent: string, field: string, context: Moods): Promise<TextMood & { draft: Draft }> {
  const id = idOf('Draft', sent, field);
  const draft = (await context.drafts.byIds(context.viewer, [id])).get(id);
  if (!draft) throw new NotFoundError('there is no such draft', sent, field);
  const pieces = piecesOf(draft.text);
  if (pieces.length === 0) throw new InvalidInputError(`${field} has no text yet, and so no mood`, field);
  const moods = await context.language.moods(pieces, context.lifetime.signal);
  const whole = countCodePoints(pieces.join(''));
  const mean = (axis: keyof TextMood) =>
    moods.reduce((sum, mood, i) => sum + (mood[axis] * countCodePoints(pieces[i] ?? '')) / whole, 0);
  return { draft, valence: mean('valence'), arousal: mean('arousal') };
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const isSplit = /[\ud800-\udbff]/.test(text.charAt(from + PIECE - 1));
    const to = from + PIECE - (isSplit ? 1 : 0);
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces.filter((piece) => piece.trim() !== '');
}
