import type { Format } from '../../formats/formats.ts';
import type { ChatMessage } from '../../ml/engine.ts';

/** A longer description costs more of a small model's context than it helps. */
const LONGEST = 2_000;

/** Asks for an answer in its format, which a model writes better if it knows of it. */
export function formatMessages(prompt: string, format: Format): ChatMessage[] {
  const described = describe(format);
  const content = described.length > LONGEST ? prompt : `${prompt}\n\n${described}`;
  return [
    { role: 'system', content: 'You answer in exactly the form that is asked for, and write nothing else.' },
    { role: 'user', content },
  ];
}

function describe(format: Format): string {
  switch (format.type) {
    case 'JSON_SCHEMA':
      return `Answer with JSON that conforms to this JSON Schema: ${format.schema}`;
    case 'CHOICE':
      return `Answer with one of these: ${format.options.join(', ')}`;
    case 'REGEX':
      return `Answer with a text that matches this regular expression: ${format.expression}`;
    case 'GBNF':
    case 'LARK':
      return `Answer with a text of this grammar:\n${format.grammar}`;
  }
}
