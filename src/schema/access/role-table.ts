import { type Role, ROLES } from '../../listeners/listeners.ts';
import { type FieldRule, fieldRules } from './rules.ts';

/** Whether a role may use a field for an object of its own, and of somebody else that is not shared. */
export function permits(rule: FieldRule, role: Role): { own: boolean; other: boolean } {
  if (role === 'ADMIN' || rule.for === 'everybody') return { own: true, other: true };
  if (rule.for === 'roles') return { own: rule.roles.includes(role), other: rule.roles.includes(role) };
  return { own: true, other: rule.for !== 'member' && rule.others.includes(role) };
}

const cell = (rule: FieldRule, role: Role): string => {
  const { own, other } = permits(rule, role);
  return other ? 'yes' : own ? 'own' : '–';
};

/** Who else, if the object is shared. */
const sharedCell = (rule: FieldRule): string =>
  rule.for === 'reader' ? 'yes' : rule.for === 'member' ? rule.least : '';

/** The rules as the table of docs/roles.md: one line for the fields of a type with the same rule. */
export function roleTable(): string {
  const lines = Object.entries(fieldRules).flatMap(([type, rules]) => {
    const groups = new Map<string, string[]>();
    for (const [name, rule] of Object.entries(rules)) {
      const cells = [...ROLES.map((role) => cell(rule, role)), sharedCell(rule)].join(' | ');
      groups.set(cells, [...(groups.get(cells) ?? []), name]);
    }
    return [...groups].map(
      ([cells, names]) => `| ${type} | ${names.map((name) => `\`${name}\``).join(' ')} | ${cells} |`,
    );
  });
  return [
    `| Type | Fields | ${ROLES.join(' | ')} | if shared |`,
    `| --- | --- | ${ROLES.map(() => '---').join(' | ')} | --- |`,
    ...lines,
  ].join('\n');
}
