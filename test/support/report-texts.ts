import { readFileSync } from 'node:fs';
import { analyse } from '../../src/report/analyse.ts';
import { readText } from '../../src/report/reading/read-text.ts';
import type { Finding, FindingKind, TextReport } from '../../src/report/report.ts';
import { applied } from '../../src/report/suggestions.ts';
import { loadVerseWords } from '../../src/verse/verse.ts';

const words = await loadVerseWords();

export const reportOf = (text: string): TextReport => analyse(readText(text), words);

/** What was found of a kind, as written. */
export const found = (text: string, kind: FindingKind): string[] =>
  reportOf(text)
    .findings.filter((finding) => finding.kind === kind)
    .map(({ start, end }) => text.slice(start, end));

export const suggestionsOf = ({ findings }: TextReport) => findings.flatMap(({ suggestion }) => suggestion ?? []);
export const withAll = (text: string): string => applied(text, suggestionsOf(reportOf(text)));
export const only = ({ findings }: TextReport, kind: FindingKind): Finding =>
  findings.find((one) => one.kind === kind)!;

export const BLAKE = `And what shoulder, and what art,
Could twist the sinews of thy heart?
And when thy heart began to beat,
What dread hand? and what dread feet?

What the hammer? what the chain,
In what furnace was thy brain?
What the anvil? what dread grasp,
Dare its deadly terrors clasp?`;

export const CAFE = `I really love this little café on the corner. In order to get a table you need to arrive before nine. The
coffee is very good and the the pastries are baked every morning. When I first moved here I was basically a stranger, and
I spent a lot of my time walking around without a plan, looking at the old houses and the river, and it took me several
months before I started to feel that the streets belonged to me too. I was tired of change, so I was glad.`;

export const STORY = `Anna walked to the harbour. She carried a lantern. He looked at the water, and she said nothing. She untied
the rope. He pushed the boat away. She rowed until the houses were small. He thought of the wind. She steered toward the
island. He knocks twice. "I really know this place," she said. She laughed.`;

/** Real prose: what this repository says of itself. */
export const documents = ['README.md', 'docs/life-of-a-token.md', 'docs/operating.md', 'docs/limits.md'].map((name) =>
  readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'),
);
