import * as queries from '../db/catalogue/metadata-queries.ts';
import type { Database, Queryable, Sql } from '../db/client.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../lib/errors.ts';
import { checkLength, checkRange, checkText } from '../lib/text/check-text.ts';
import { nearest } from '../lib/text/nearest.ts';
import type { MetadataCondition, MetadataKey, MetadataType, TrackMetadataValue } from './contract.ts';

const MOST_KEYS = 50;
const KEY = /^[a-zA-Z][a-zA-Z0-9_]{0,49}$/;
const TEXT = { max: 1_000 };
const MOST_TEXTS = 50;
/** The greatest number that JSON passes on exactly. */
const GREATEST = Number.MAX_SAFE_INTEGER;

export type DeclaredKeys = ReadonlyMap<string, MetadataType>;

export async function declaredKeys(db: Queryable): Promise<DeclaredKeys> {
  return new Map((await queries.selectMetadataKeys(db)).map(({ name, type }) => [name, type]));
}

/** Values by key in the order of the keys. @throws InvalidInputError naming e.g. `input.3.metadata.bpm` */
export function checkMetadata(
  value: unknown,
  declared: DeclaredKeys,
  field: string,
): Record<string, TrackMetadataValue> {
  if (value == null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new InvalidInputError(`${field} must be an object with declared keys`, field);
  }
  const entries = checkLength(Object.entries(value), field, MOST_KEYS).filter(([, one]) => one !== null);
  const clean = entries.map(([key, one]): [string, TrackMetadataValue] => {
    return [key, checkValue(one, typeOf(key, declared, `${field}.${key.slice(0, 50)}`), `${field}.${key}`)];
  });
  return Object.fromEntries(clean.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function typeOf(key: string, declared: DeclaredKeys, field: string): MetadataType {
  const type = declared.get(key);
  if (type !== undefined) return type;
  const meant = nearest(key, declared.keys());
  const hint = meant ? `; did you mean "${meant}"?` : '; declareMetadataKeys declares one';
  throw new InvalidInputError(`${field}: there is no metadata key "${key.slice(0, 50)}"${hint}`, field);
}

function checkValue(value: unknown, type: MetadataType, field: string): TrackMetadataValue {
  switch (type) {
    case 'STRING':
      if (typeof value === 'string') return checkText(value, field, TEXT);
      break;
    case 'NUMBER':
      if (typeof value === 'number') return checkRange(value, field, -GREATEST, GREATEST);
      break;
    case 'BOOLEAN':
      if (typeof value === 'boolean') return value;
      break;
    case 'STRINGS':
      if (isTexts(value)) return checkLength(value, field, MOST_TEXTS).map((text) => checkText(text, field, TEXT));
      break;
  }
  throw new InvalidInputError(`${field} must be ${named[type]}, as its key was declared`, field);
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const named: Record<MetadataType, string> = {
  ...{ STRING: 'a text', STRINGS: 'a list of texts', NUMBER: 'a number', BOOLEAN: 'true or false' },
};

/** @throws InvalidInputError naming e.g. `filter.metadata.0.key` */
export function checkConditions(
  conditions: readonly MetadataCondition[],
  declared: DeclaredKeys,
): queries.MetadataMatch[] {
  return checkLength(conditions, 'filter.metadata', 20).map(({ key, in: values, min, max }, i) => {
    const field = `filter.metadata.${i}`;
    const type = typeOf(key, declared, `${field}.key`);
    checkBounds(type, { min, max }, field);
    checkLength(values ?? [], `${field}.in`, 100);
    const one = type === 'STRINGS' ? 'STRING' : type;
    const wanted = values?.map((value, at) => checkValue(value, one, `${field}.in.${at}`));
    return {
      key,
      values: wanted ? wanted.map((value) => (type === 'STRINGS' ? [String(value)] : value)) : null,
      ...{ min: min ?? null, max: max ?? null },
    };
  });
}

function checkBounds(
  type: MetadataType,
  range: { min: number | null | undefined; max: number | null | undefined },
  field: string,
): void {
  for (const bound of ['min', 'max'] as const) {
    const value = range[bound];
    if (value == null) continue;
    if (type === 'NUMBER') checkRange(value, `${field}.${bound}`, -GREATEST, GREATEST);
    else throw new InvalidInputError(`${field}.${bound}: only numbers have bounds`, `${field}.${bound}`);
  }
  const { min, max } = range;
  if (min != null && max != null && min > max) {
    throw new InvalidInputError(`${field}.min (${min}) must not be above ${field}.max (${max})`, `${field}.min`);
  }
}

/** @throws InvalidInputError naming e.g. `input.2.type` */
export async function declareKeys({ sql }: { sql: Sql }, keys: readonly MetadataKey[]): Promise<MetadataKey[]> {
  checkLength(keys, 'input', MOST_KEYS);
  keys.forEach(({ name }, i) => {
    if (KEY.test(name)) return;
    const field = `input.${i}.name`;
    throw new InvalidInputError(`${field} must be a letter and up to 49 letters, digits and underscores`, field);
  });
  return sql.begin(async (tx) => {
    const declared = await queries.insertMetadataKeys(tx, keys);
    const known = new Map(declared.map(({ name, type }) => [name, type]));
    keys.forEach(({ name, type }, i) => {
      const field = `input.${i}.type`;
      if (known.get(name) !== type) throw new InvalidInputError(`${field}: "${name}" is ${known.get(name)}`, field);
    });
    if (declared.length > MOST_KEYS) {
      throw new InvalidInputError(`input: there may be ${MOST_KEYS} keys, with these ${declared.length}`, 'input');
    }
    return declared;
  });
}

/** @throws NotFoundError; ConflictError while tracks have values of the key */
export async function removeKey({ sql }: Pick<Database, 'sql'>, name: string): Promise<MetadataKey[]> {
  const { wasThere, used, left } = await sql.begin((tx) => queries.deleteMetadataKey(tx, name));
  if (!wasThere) throw new NotFoundError(`there is no metadata key "${name.slice(0, 50)}"`, name, 'name');
  if (used > 0) throw new ConflictError(`${used} tracks have values of "${name}"; send them without it first`);
  return left;
}
