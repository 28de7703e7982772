import { type Expression, rule } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';

/** That all rules that are referred to exist, and so does the first one. @returns the first one. @throws FormatError */
export function checkRules(rules: ReadonlyMap<string, Expression>, start: string): Expression {
  if (!rules.has(start)) throw new FormatError(`has no rule ${start}`);
  for (const expression of rules.values()) checkReferences(expression, rules);
  return rule(start);
}

function checkReferences(expression: Expression, rules: ReadonlyMap<string, Expression>): void {
  switch (expression.type) {
    case 'rule':
      if (!rules.has(expression.name)) throw new FormatError(`refers to ${expression.name}, which is no rule`);
      break;
    case 'sequence':
      for (const part of expression.parts) checkReferences(part, rules);
      break;
    case 'either':
      for (const option of expression.options) checkReferences(option, rules);
      break;
    case 'repeat':
      checkReferences(expression.body, rules);
      if (expression.most !== null && expression.most < expression.least)
        throw new FormatError(`repeats at least ${expression.least} and at most ${expression.most} times`);
      break;
    case 'byte':
    case 'text':
  }
}
