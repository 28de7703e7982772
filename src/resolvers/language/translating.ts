import type { TranslatedText, TranslationInput } from '../../language/language.ts';
import type { Context } from '../context.ts';

export async function translate(input: TranslationInput, { language, lifetime }: Context): Promise<TranslatedText[]> {
  return [...(await language.translate(input, lifetime.signal))];
}
