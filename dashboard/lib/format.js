// Numbers and names as people read them.

const grouped = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

/** @param {number} value */
export function number(value) {
  return grouped.format(value);
}

/** @param {number} value */
export function shortNumber(value) {
  return value < 10_000 ? grouped.format(value) : compact.format(value);
}

/**
 * @param {number} count
 * @param {string} one @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/**
 * A plan's number, which may be "unlimited".
 * @param {number | string | null} limit
 * @param {string} of
 */
export function limitWords(limit, of) {
  return typeof limit === 'number' ? `${number(limit)} ${of}` : 'without a limit';
}

/** @param {number} octets */
export function octets(octets) {
  if (octets < 1024) return counted(octets, 'byte');
  if (octets < 1024 * 1024) return `${(octets / 1024).toFixed(octets < 10_240 ? 1 : 0)} KiB`;
  return `${(octets / 1024 / 1024).toFixed(1)} MiB`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function share(part, whole) {
  if (!whole) return '–';
  const percent = (100 * part) / whole;
  return `${percent > 99.9 && percent < 100 ? '99.9' : percent.toFixed(percent < 10 ? 1 : 0)} %`;
}

/**
 * snake_case for people.
 * @param {string} name
 */
export function words(name) {
  return name.replace(/^email\./, '').replace(/_/g, ' ');
}

/**
 * @param {string[] | null | undefined} list
 * @param {number} [most]
 */
export function someOf(list, most = 2) {
  if (!list || !list.length) return '';
  return list.length <= most ? list.join(', ') : `${list.slice(0, most).join(', ')} +${list.length - most}`;
}

/**
 * For a POSIX shell.
 * @param {string} text
 */
export function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/**
 * RFC 4180, and no formula where a spreadsheet might see one.
 * @param {(string | number | null)[][]} rows
 */
export function csv(rows) {
  /** @param {string | number | null} value */
  const field = (value) => {
    let text = String(value ?? '');
    if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}
