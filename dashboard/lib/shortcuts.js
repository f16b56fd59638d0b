// Keys. Single letters do nothing while something is typed or a dialog is open, and can be turned off (WCAG 2.1.4).

import { h } from './dom.js';
import { openDialog } from './dialog.js';

/** @typedef {{keys: string, says: string, run: (event: KeyboardEvent) => void | boolean}} Shortcut keys: 'j', 'g m', 'Escape'; false: not for it */

const SEQUENCE_MILLISECONDS = 1200;
const SETTING = 'postern.single-keys';

/** @type {Shortcut[]} */
let everywhere = [];
/** @type {Shortcut[]} */
let ofPage = [];
let begun = '';
let begunAt = 0;

/** @param {Shortcut[]} shortcuts */
export function setPageKeys(shortcuts) {
  ofPage = shortcuts;
}

export function singleKeys() {
  return localStorage.getItem(SETTING) !== 'off';
}

/** @param {boolean} on */
export function setSingleKeys(on) {
  localStorage.setItem(SETTING, on ? 'on' : 'off');
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/**
 * @param {string} wanted
 * @param {KeyboardEvent} event
 */
function run(wanted, event) {
  for (const shortcut of [...ofPage, ...everywhere]) {
    if (shortcut.keys !== wanted) continue;
    if (shortcut.run(event) === false) continue;
    event.preventDefault();
    return true;
  }
  return false;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
    run('Ctrl-K', event);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') {
    if (isTyping(event.target)) /** @type {HTMLElement} */ (event.target).blur();
    else run('Escape', event);
    return;
  }
  if (isTyping(event.target)) return;
  if (event.key.length === 1 && !singleKeys()) return;
  const now = Date.now();
  const sequence = begun && now - begunAt < SEQUENCE_MILLISECONDS ? `${begun} ${event.key}` : '';
  begun = '';
  if (sequence && run(sequence, event)) return;
  if (run(event.key, event)) return;
  if ([...ofPage, ...everywhere].some((shortcut) => shortcut.keys.startsWith(`${event.key} `))) {
    begun = event.key;
    begunAt = now;
  }
}

/** @param {string} keys */
function keyCaps(keys) {
  return keys.split(/[ ]/).map((key) => h('kbd', key === 'Escape' ? 'Esc' : key));
}

export function showShortcuts() {
  /**
   * @param {string} title
   * @param {Shortcut[]} list
   */
  const table = (title, list) =>
    list.length
      ? h(
          'section',
          h('h3', title),
          h(
            'dl.shortcuts',
            list.map((shortcut) => [h('dt', keyCaps(shortcut.keys)), h('dd', shortcut.says)]),
          ),
        )
      : null;
  openDialog(
    { title: 'Keyboard', kind: 'medium' },
    h('.dialog-body.two', table('On this page', ofPage), table('Everywhere', everywhere)),
  );
}

/** @param {Shortcut[]} shortcuts those that hold on every page */
export function startShortcuts(shortcuts) {
  everywhere = shortcuts;
  document.addEventListener('keydown', onKey);
}
