export interface Instant {
  at: Date;
  /** False if the text has no offset and UTC was assumed. */
  hasZone: boolean;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const INSTANT =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[Tt ](?<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(?<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/;
/** The form in which Last.fm prints times, always in UTC: `14 Nov 2023, 22:13`. */
const PRINTED = /^(?<day>\d{1,2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}),? (?<time>\d\d:\d\d)$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const SINCE_1970 = /^\d{1,16}(\.\d{1,9})?$/;
/** The year 5138 in seconds, or 1973 in milliseconds. */
const FIRST_MILLISECONDS = 1e11;
/** The year 5138 in milliseconds. Larger numbers are microseconds or nanoseconds, which are not supported. */
const FIRST_FINER = 1e14;

/** Null if it is not an instant. */
export function instantOf(value: string | number): Instant | null {
  const text = String(value).trim();
  // The form of most rows in most files. The general way makes an import a quarter slower.
  if (RFC_3339.test(text) && isInCalendar(text.slice(0, 10))) return { at: new Date(text), hasZone: true };
  if (SINCE_1970.test(text)) return sinceEpoch(Number(text));
  const { date, time = '00:00', zone } = INSTANT.exec(text)?.groups ?? {};
  if (date === undefined || !isInCalendar(date)) return printedInstant(text);
  const at = new Date(`${date}T${time}${offsetOf(zone ?? 'Z')}`);
  if (Number.isNaN(at.getTime())) return null;
  // A date alone names a day, so its offset is not considered missing.
  return { at, hasZone: zone !== undefined || text === date };
}

/** The year of a date such as 1969-09-26 or 1969-09. Null for anything else. */
export function yearOf(text: string): number | null {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return Number(text.slice(0, 4));
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? instantOf(text) : null;
  return date && Number(text.slice(0, 4));
}

function sinceEpoch(number: number): Instant | null {
  if (number >= FIRST_FINER) return null;
  return { at: new Date(Math.floor(number < FIRST_MILLISECONDS ? number * 1000 : number)), hasZone: true };
}

function printedInstant(text: string): Instant | null {
  const { day = '', month = '', year = '', time = '' } = PRINTED.exec(text)?.groups ?? {};
  const number = MONTHS.indexOf(month) + 1;
  const date = `${year}-${String(number).padStart(2, '0')}-${day.padStart(2, '0')}`;
  const at = new Date(`${date}T${time}Z`);
  return number > 0 && isInCalendar(date) && !Number.isNaN(at.getTime()) ? { at, hasZone: true } : null;
}

function offsetOf(zone: string): string {
  const [, sign, hours, minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return sign === undefined ? 'Z' : `${sign}${hours ?? ''}:${minutes}`;
}

/** The last day that was found in the calendar: rows of one day mostly follow each other. */
let lastDay = '';

/** `Date` accepts 30 February as 2 March. */
function isInCalendar(day: string): boolean {
  if (day === lastDay) return true;
  const midnight = new Date(day);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return false;
  // A piece of a read block would keep all of the block in memory.
  lastDay = midnight.toISOString().slice(0, 10);
  return true;
}
