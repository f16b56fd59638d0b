// Times as their reader's clock has them, with UTC on hover. What says "5 min ago" goes on saying the truth.

import { h } from './dom.js';

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const short = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const REFRESH_MILLISECONDS = 15_000;

/** @param {Date} date */
export function utc(date) {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/**
 * @param {Date} date
 * @param {number} [now]
 */
export function relative(date, now = Date.now()) {
  const seconds = Math.round((now - date.getTime()) / 1000);
  const size = Math.abs(seconds);
  /**
   * @param {number} count
   * @param {string} unit
   */
  const said = (count, unit) => (seconds < 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`);
  if (size < 5) return 'now';
  if (size < 60) return said(size, 's');
  if (size < 3600) return said(Math.round(size / 60), 'min');
  if (size < 36 * 3600) return said(Math.round(size / 3600), 'h');
  if (size < 45 * 86400) return said(Math.round(size / 86400), 'days');
  return day.format(date);
}

/** @param {Date} date */
export function exact(date) {
  return full.format(date);
}

/** @param {Date} date */
export function onlyDay(date) {
  return day.format(date);
}

/**
 * Within today the time, else the day too.
 * @param {Date} date
 */
export function brief(date) {
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : short.format(date);
}

const FORMS = { relative, exact, brief, day: onlyDay };

/** @param {Element} element */
function refresh(element) {
  const time = /** @type {HTMLTimeElement} */ (element);
  const said = relative(new Date(time.dateTime));
  if (time.textContent !== said) time.textContent = said;
}

/**
 * @param {string | null | undefined} iso
 * @param {'relative' | 'exact' | 'brief' | 'day'} [form]
 * @param {string} [absent] what is said where there is no time
 */
export function time(iso, form = 'relative', absent = 'never') {
  const date = iso ? new Date(iso) : null;
  if (!date || Number.isNaN(date.getTime())) return h('span.soft', absent);
  const title = form === 'exact' ? utc(date) : `${full.format(date)} · ${utc(date)}`;
  return h('time', { datetime: date.toISOString(), title, class: form === 'relative' ? 'ticking' : '' }, FORMS[form](date));
}

/** Keeps what is shown true. */
export function startClock() {
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll('time.ticking')) refresh(element);
  }, REFRESH_MILLISECONDS);
}
