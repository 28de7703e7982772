import { EditorView } from '@codemirror/view';

const tinted = (colour: string): string => `color-mix(in oklab, var(--${colour}), transparent 72%)`;
/** Dark on light and light on dark, so that a name can be read on it. */
const strong = (colour: string): string => `color-mix(in oklab, var(--${colour}), var(--ink) 45%)`;
const COLOURS = ['popularity', 'preference', 'rest', 'history'] as const;

const people = COLOURS.reduce<Record<string, Record<string, string>>>(
  (styles, colour, index) => ({
    ...styles,
    [`.chosen.by-${index}`]: { backgroundColor: tinted(colour) },
    [`.caret.by-${index}`]: { color: strong(colour) },
    [`.caret.by-${index} .name`]: { backgroundColor: strong(colour), color: 'var(--paper)' },
  }),
  {},
);

/** Colours are inherited from the page, whose style sheets do not reach into the editor. */
export const editorLook = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { font: '400 1.3rem/1.65 var(--serif)', overflow: 'visible' },
  '.cm-content': { padding: '0', minHeight: '16rem', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0' },
  '.cm-placeholder': { color: 'var(--soft)' },
  '.suggested': {
    borderBottom: '2px dotted var(--accent)',
    backgroundColor: 'color-mix(in oklab, var(--preference), transparent 85%)',
  },
  '.suggested.active': { textDecoration: 'line-through', textDecorationColor: 'var(--bad)' },
  '.proposal': { color: 'var(--good)', fontStyle: 'italic', whiteSpace: 'pre-wrap' },
  '.proposal:not(:empty)::before': { content: '" "' },
  '.found': { borderRadius: '4px', backgroundColor: 'color-mix(in oklab, var(--preference), transparent 65%)' },
  '.tail': { color: 'var(--soft)', fontStyle: 'italic' },
  '.caret': { position: 'relative', borderLeft: '2px solid currentColor', marginLeft: '-1px', marginRight: '-1px' },
  '.name': {
    position: 'absolute',
    zIndex: '1',
    bottom: '100%',
    left: '-2px',
    padding: '0 0.4em',
    borderRadius: '4px 4px 4px 0',
    font: '600 0.7rem/1.35 var(--sans)',
    whiteSpace: 'nowrap',
    userSelect: 'none',
    pointerEvents: 'none',
  },
  ...people,
});
