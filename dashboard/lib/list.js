// A list of any length: only the rows in sight are elements, and only so many are remembered; pages come as one scrolls, new rows
// on top without moving what one reads. Rows are links, so that everything works as links do; j and k go along them.

import { h, fill } from './dom.js';
import { failure } from './form.js';

const PAGE = 100;
const MOST_ROWS = 3000;
const BEYOND = 8; // rows made above and below what is in sight

/**
 * @typedef {{id: string}} Row
 * @typedef {{data: any[], has_more: boolean, next: string | null}} Slice
 * @typedef {{
 *   label: string,
 *   load: (place: {after?: string, before?: string, limit: number}, signal: AbortSignal) => Promise<Slice>,
 *   make: () => any, draw: (element: any, row: any) => void,
 *   cursor?: (row: any) => string,
 *   empty: () => Node, header?: Node | null, onCount?: (rows: number, more: boolean) => void}} ListOptions
 */

export class VirtualList {
  /** @param {ListOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {any[]} */
    this.rows = [];
    this.moreBelow = false;
    this.moreAbove = false;
    /** @type {any[]} new ones that wait for the reader to come to the top */
    this.waiting = [];
    /** @type {Map<number, any>} */
    this.shown = new Map();
    /** @type {any[]} */
    this.spare = [];
    this.focusedId = '';
    this.wantedId = ''; // to be focused when it is drawn again
    this.lastTop = 0;
    this.scheduled = 0;
    this.busy = false;
    this.rowHeight = 0;
    /** @type {string | null | undefined} */
    this.next = null;
    this.abort = new AbortController();
    this.canvas = h('.rows-canvas', { role: 'rowgroup' });
    this.status = h('.rows-status', { role: 'cell', 'aria-live': 'polite' });
    this.pill = h('button.new-rows', { type: 'button', hidden: true, on: { click: () => this.toTop() } });
    this.viewport = h('.rows-viewport', this.canvas, h('', { role: 'rowgroup' }, h('', { role: 'row' }, this.status)));
    this.table = h(
      '.rows',
      { role: 'table', 'aria-label': options.label, 'aria-rowcount': '-1' },
      options.header || null,
      this.viewport,
    );
    this.element = h('.rows-frame', this.pill, this.table);
    this.viewport.addEventListener(
      'scroll',
      () => {
        this.lastTop = this.viewport.scrollTop;
        this.schedule();
      },
      { passive: true },
    );
    this.canvas.addEventListener('focusin', (/** @type {FocusEvent} */ event) => {
      const element = /** @type {HTMLElement} */ (event.target).closest('[data-id]');
      if (element) this.focusedId = /** @type {HTMLElement} */ (element).dataset.id || '';
    });
    this.observer = new ResizeObserver(() => {
      this.rowHeight = 0;
      this.schedule();
    });
    this.observer.observe(this.viewport);
  }

  /** From the beginning. */
  async start() {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.busy = true;
    this.element.setAttribute('aria-busy', 'true');
    try {
      const slice = await this.options.load({ limit: PAGE }, signal);
      this.rows = slice.data;
      this.moreBelow = slice.has_more;
      this.next = slice.next;
      this.moreAbove = false;
      this.waiting = [];
      this.viewport.scrollTop = 0;
      this.forget();
      this.announce();
    } catch (error) {
      if (!signal.aborted) this.fail(error, () => this.start());
    } finally {
      if (!signal.aborted) {
        this.busy = false;
        this.element.removeAttribute('aria-busy');
        this.render();
      }
    }
  }

  /**
   * @param {any} error
   * @param {() => void} again
   */
  fail(error, again) {
    fill(this.status, failure(error, again));
  }

  announce() {
    if (!this.rows.length && !this.moreBelow) fill(this.status, this.options.empty());
    else fill(this.status, this.moreBelow ? h('p.soft', 'Loading…') : h('p.soft.end', 'That is all.'));
    this.table.classList.toggle('empty', !this.rows.length);
    this.pill.hidden = !this.waiting.length && !this.moreAbove;
    this.pill.textContent = this.moreAbove ? 'To the newest ↑' : `${this.waiting.length} new ↑`;
    this.options.onCount?.(this.rows.length, this.moreBelow);
  }

  async older() {
    if (this.busy || !this.moreBelow || (!this.rows.length && !this.next)) return;
    this.busy = true;
    const { signal } = this.abort;
    try {
      // A page may be short or empty with more behind it, where few of many match.
      const after = this.next || this.cursor(this.rows[this.rows.length - 1]);
      const slice = await this.options.load({ after, limit: PAGE }, signal);
      this.rows.push(...slice.data);
      this.moreBelow = slice.has_more;
      this.next = slice.next;
      const extra = this.rows.length - MOST_ROWS;
      if (extra > 0) {
        this.rows.splice(0, extra);
        this.moreAbove = true;
        this.shift(-extra);
      }
      this.announce();
    } catch (error) {
      if (!signal.aborted) this.fail(error, () => this.older());
      return;
    } finally {
      if (!signal.aborted) this.busy = false;
    }
    this.render();
  }

  /** @param {any} row */
  cursor(row) {
    return this.options.cursor ? this.options.cursor(row) : row.id;
  }

  /** Whether new rows may push down what is in sight: not under somebody who reads further down, or stands on a row. */
  isAtTop() {
    return (
      this.element.isConnected && this.viewport.scrollTop < this.height() / 2 && !this.canvas.contains(document.activeElement)
    );
  }

  /**
   * New ones, the newest first.
   * @param {any[]} rows
   */
  arrive(rows) {
    const known = new Set([...this.waiting, ...this.rows.slice(0, PAGE)].map((row) => row.id));
    const fresh = rows.filter((row) => !known.has(row.id));
    if (!fresh.length) return;
    if (this.moreAbove) {
      this.announce();
    } else if (!this.isAtTop()) {
      this.waiting = [...fresh, ...this.waiting];
      // So many at once are read from the server when the reader comes up.
      if (this.waiting.length > MOST_ROWS / 2) {
        this.waiting = [];
        this.moreAbove = true;
      }
      this.announce();
    } else {
      this.rows = [...fresh, ...this.rows];
      this.trim();
      this.forget();
      this.announce();
      this.render();
      this.flash(fresh.length);
    }
  }

  trim() {
    if (this.rows.length <= MOST_ROWS) return;
    this.rows.length = MOST_ROWS;
    this.moreBelow = true;
    this.next = null;
  }

  /**
   * Rows before what is in sight come or go: what is in sight stays where it is.
   * @param {number} rows
   */
  shift(rows) {
    const top = this.viewport.scrollTop + rows * this.height();
    this.forget();
    this.size();
    this.viewport.scrollTop = Math.max(0, top);
  }

  toTop() {
    if (this.moreAbove) {
      this.start();
    } else {
      this.rows = [...this.waiting, ...this.rows];
      this.waiting = [];
      this.trim();
      this.viewport.scrollTop = 0;
      this.forget();
      this.announce();
      this.render();
    }
    this.focusIndex(0);
  }

  /** @param {number} count */
  flash(count) {
    for (let i = 0; i < count; i += 1) this.shown.get(i)?.classList.add('arrived');
  }

  /**
   * @param {string} id
   * @param {(row: any) => any} change
   */
  update(id, change) {
    for (const list of [this.waiting, this.rows]) {
      const index = list.findIndex((row) => row.id === id);
      if (index < 0) continue;
      list[index] = change(list[index]);
      const element = list === this.rows ? this.shown.get(index) : null;
      if (element) this.options.draw(element, list[index]);
      return true;
    }
    return false;
  }

  height() {
    if (!this.rowHeight) {
      const probe = this.options.make();
      probe.classList.add('probe');
      this.canvas.append(probe);
      this.rowHeight = probe.getBoundingClientRect().height;
      probe.remove();
    }
    return this.rowHeight || 40;
  }

  size() {
    this.canvas.style.height = `${this.rows.length * this.height()}px`;
  }

  /** Elements keep their rows only as long as the rows keep their places. */
  forget() {
    if (this.canvas.contains(document.activeElement)) this.wantedId = this.focusedId;
    for (const element of this.shown.values()) {
      element.remove();
      this.spare.push(element);
    }
    this.shown.clear();
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.render();
      if (this.viewport.scrollTop === 0 && this.waiting.length) this.toTop();
    });
  }

  render() {
    if (!this.element.isConnected) return;
    const height = this.height();
    this.size();
    const first = Math.max(0, Math.floor(this.viewport.scrollTop / height) - BEYOND);
    const last = Math.min(this.rows.length, Math.ceil((this.viewport.scrollTop + this.viewport.clientHeight) / height) + BEYOND);
    const focused = document.activeElement;
    for (const [index, element] of this.shown) {
      if ((index >= first && index < last) || element.contains(focused)) continue;
      this.shown.delete(index);
      element.remove();
      this.spare.push(element);
    }
    for (let index = first; index < last; index += 1) {
      if (this.shown.has(index)) continue;
      this.place(index);
    }
    this.spare.length = Math.min(this.spare.length, 60);
    if (this.moreBelow && last + PAGE / 2 >= this.rows.length) this.older();
    if (this.wantedId) this.focusIndex(this.rows.findIndex((row) => row.id === this.wantedId));
  }

  /** @param {number} index */
  place(index) {
    const element = this.spare.pop() || this.options.make();
    const row = this.rows[index];
    element.dataset.id = row.id;
    element.classList.remove('arrived');
    element.setAttribute('aria-rowindex', String(index + 1));
    element.style.transform = `translateY(${index * this.height()}px)`;
    this.options.draw(element, row);
    this.shown.set(index, element);
    // In the order of the page, which is the order of Tab.
    let before = null;
    for (const [other, candidate] of this.shown) {
      if (other > index && (before === null || other < before.index)) before = { index: other, candidate };
    }
    this.canvas.insertBefore(element, before ? before.candidate : null);
  }

  indexOfFocused() {
    return this.focusedId ? this.rows.findIndex((row) => row.id === this.focusedId) : -1;
  }

  /** @param {number} index */
  focusIndex(index) {
    this.wantedId = '';
    if (index < 0 || index >= this.rows.length) return;
    const height = this.height();
    const top = index * height;
    if (top < this.viewport.scrollTop) this.viewport.scrollTop = top;
    else if (top + height > this.viewport.scrollTop + this.viewport.clientHeight) {
      this.viewport.scrollTop = top + height - this.viewport.clientHeight;
    }
    if (!this.shown.has(index)) this.place(index);
    const element = this.shown.get(index);
    this.focusedId = this.rows[index].id;
    element.querySelector('a, button')?.focus({ preventScroll: true });
  }

  /** @param {number} steps */
  move(steps) {
    const at = this.indexOfFocused();
    this.focusIndex(at < 0 ? 0 : Math.min(this.rows.length - 1, Math.max(0, at + steps)));
  }

  /** Back on the page: the same place, the same row. */
  resume() {
    const index = this.indexOfFocused();
    this.size();
    this.viewport.scrollTop = this.lastTop;
    this.render();
    if (index >= 0) this.focusIndex(index);
  }

  stop() {
    this.abort.abort();
    this.observer.disconnect();
    if (this.scheduled) cancelAnimationFrame(this.scheduled);
  }

  /** For the page's table of shortcuts. */
  keys() {
    return [
      { keys: 'j', says: 'Next row', run: () => this.move(1) },
      { keys: 'k', says: 'Row before', run: () => this.move(-1) },
      { keys: 'ArrowDown', says: 'Next row', run: () => (this.canvas.contains(document.activeElement) ? this.move(1) : false) },
      { keys: 'ArrowUp', says: 'Row before', run: () => (this.canvas.contains(document.activeElement) ? this.move(-1) : false) },
      { keys: 'Enter', says: 'Open the row', run: () => false },
      { keys: 'Home', says: 'The newest', run: () => (this.canvas.contains(document.activeElement) ? this.toTop() : false) },
    ];
  }
}
