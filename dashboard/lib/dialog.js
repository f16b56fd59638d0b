// Dialogs over the page: the browser's own, which keep the focus inside, close on Esc and give the focus back.

import { h, freshId, append } from './dom.js';
import { icon } from './icons.js';

/**
 * @typedef {{element: HTMLDialogElement, close: (value?: any) => void, done: Promise<any>}} Dialog
 * @param {{title: string, kind?: string, lasting?: boolean, quiet?: boolean}} options lasting: neither Esc nor a click beside
 *   it closes it;
 *   quiet: its title is for those who hear it
 * @param {any[]} content
 * @returns {Dialog}
 */
export function openDialog({ title, kind = '', lasting = false, quiet = false }, ...content) {
  const name = freshId('dialog');
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  /** @type {(value: any) => void} */
  let settle = () => {};
  const done = new Promise((resolve) => {
    settle = resolve;
  });
  const heading = h('h2', { id: name, class: quiet ? 'hidden-words' : '' }, title);
  const element = h('dialog', { 'aria-labelledby': name, class: kind });
  const close = (/** @type {any} */ value) => {
    settle(value);
    if (element.open) element.close();
  };
  if (!quiet) {
    element.append(
      h(
        'header',
        heading,
        lasting
          ? null
          : h(
              'button.quiet.icon-only',
              { type: 'button', 'aria-label': 'Close', title: 'Close (Esc)', on: { click: () => close() } },
              icon('cross'),
            ),
      ),
    );
  } else {
    element.append(heading);
  }
  append(element, content);
  element.addEventListener('cancel', (/** @type {Event} */ event) => {
    if (lasting) event.preventDefault();
  });
  element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (lasting && event.key === 'Escape') event.preventDefault();
  });
  element.addEventListener('close', () => {
    settle(undefined);
    element.remove();
    const heading = /** @type {HTMLElement | null} */ (document.querySelector('main h1'));
    (before?.isConnected ? before : heading)?.focus();
  });
  element.addEventListener('mousedown', (/** @type {MouseEvent} */ event) => {
    if (event.target === element && !lasting && !element.querySelector('form')) close();
  });
  document.body.append(element);
  element.showModal();
  const first = element.querySelector('[autofocus], form input:not([type=hidden]), form select, form textarea');
  if (first) /** @type {HTMLElement} */ (first).focus();
  return { element, close, done };
}

/**
 * Asks before something that cannot be taken back. True: do it.
 * @param {{title: string, text?: any, action: string, danger?: boolean, cancel?: string}} options
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, danger = true, cancel = 'Keep it' }) {
  /** @type {Dialog} */
  let dialog;
  const no = h('button', { type: 'button', autofocus: true, on: { click: () => dialog.close(false) } }, cancel);
  const yes = h(danger ? 'button.danger' : 'button.primary', { type: 'button', on: { click: () => dialog.close(true) } }, action);
  dialog = openDialog({ title, kind: 'narrow' }, h('.dialog-body', text), h('footer', no, yes));
  no.focus();
  return dialog.done.then(Boolean);
}
