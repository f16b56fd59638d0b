// Forms: a label over each field, a hint under it, and the server's own words where something is wrong.

import { h, fill, freshId } from './dom.js';
import { Problem } from './api.js';
import { icon } from './icons.js';
import { say } from './toast.js';

/**
 * @typedef {{element: HTMLElement, input: any, name: string, value: () => any, wrong: (text: string) => void}} Field
 * @typedef {{label: string, name: string, type?: string, hint?: any, value?: any, required?: boolean, autocomplete?: string,
 *   placeholder?: string, minlength?: number, maxlength?: number, min?: number, mono?: boolean, rows?: number, inputmode?: string,
 *   options?: [string, string][], checked?: boolean}} FieldOptions
 * @param {FieldOptions} options
 * @returns {Field}
 */
export function field(options) {
  const id = freshId(options.name);
  const error = h('p.field-error', { id: `${id}-error`, hidden: true });
  const hint = options.hint ? h('p.hint', { id: `${id}-hint` }, options.hint) : null;
  const attributes = {
    id,
    name: options.name,
    'aria-describedby': `${hint ? `${id}-hint ` : ''}${id}-error`,
    required: options.required,
    autocomplete: options.autocomplete || 'off',
    placeholder: options.placeholder,
    minlength: options.minlength,
    maxlength: options.maxlength,
    min: options.min,
    inputmode: options.inputmode,
    spellcheck: 'false',
    class: options.mono ? 'mono' : '',
  };
  /** @type {any} */
  let input;
  if (options.options) {
    input = h(
      'select',
      { ...attributes, autocomplete: null, value: options.value ?? options.options[0]?.[0] },
      options.options.map(([value, words]) => h('option', { value }, words)),
    );
  } else if (options.type === 'textarea') {
    input = h('textarea', { ...attributes, rows: options.rows || 4, value: options.value ?? '' });
  } else if (options.type === 'checkbox') {
    input = h('input', {
      ...attributes,
      type: 'checkbox',
      checked: Boolean(options.checked),
      autocomplete: null,
      spellcheck: null,
    });
  } else {
    input = h('input', { ...attributes, type: options.type || 'text', value: options.value ?? '' });
  }
  const label = h(
    'label',
    { for: id },
    options.label,
    options.required || options.type === 'checkbox' || options.options ? null : h('span.optional', 'optional'),
  );
  const element =
    options.type === 'checkbox' ? h('.field.check', input, h('div', label, hint, error)) : h('.field', label, hint, input, error);
  const wrong = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = !text;
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', () => wrong(''));
  return { element, input, name: options.name, wrong, value: () => (options.type === 'checkbox' ? input.checked : input.value) };
}

/**
 * What went wrong, what to do, and the id by which the log knows it.
 * @param {any} error
 * @param {(() => void) | null} [again]
 */
export function failure(error, again = null) {
  const problem = error instanceof Problem ? error : null;
  if (!problem) console.error(error);
  return h(
    '.notice.bad',
    { role: 'alert' },
    icon('warn'),
    h(
      'div',
      h('p', problem ? problem.message : 'Something on this page went wrong. Loading it again helps in most cases.'),
      problem && problem.status === 429 && problem.retryAfter ? h('p', `Try again in ${problem.retryAfter} s.`) : null,
      problem?.requestId ? h('p.soft.small', 'Request ', h('code', problem.requestId), ' · ', h('code', problem.name)) : null,
      again ? h('button', { type: 'button', on: { click: again } }, icon('refresh'), 'Try again') : null,
    ),
  );
}

/**
 * Not `disabled`: that would take the focus away.
 * @param {HTMLElement} button
 * @param {boolean} busy
 */
function setBusy(button, busy) {
  button.classList.toggle('busy', busy);
  button.setAttribute('aria-disabled', String(busy));
}

/**
 * @param {{fields: (Field | HTMLElement | null)[], action: string, submit: (values: Record<string, any>) => Promise<any>,
 *   cancel?: (() => void) | null, danger?: boolean, wide?: boolean, also?: Field[]}} options also: fields within other elements
 * @returns {HTMLFormElement}
 */
export function form({ fields, action, submit, cancel = null, danger = false, wide = false, also = [] }) {
  const known = [.../** @type {Field[]} */ (fields.filter((f) => f && 'input' in f)), ...also];
  const wrong = h('.form-error');
  const button = h(danger ? 'button.danger' : 'button.primary', { type: 'submit', class: wide ? 'wide' : '' }, action);
  const element = h(
    'form',
    { novalidate: true, on: { submit: send } },
    wrong,
    fields.map((f) => (f && 'input' in f ? f.element : f)),
    h('footer', cancel ? h('button', { type: 'button', on: { click: cancel } }, 'Cancel') : null, button),
  );

  function isComplete() {
    let first = null;
    for (const f of known) {
      const input = /** @type {HTMLInputElement} */ (f.input);
      if (input.checkValidity()) continue;
      f.wrong(input.validity.valueMissing ? 'This is needed.' : input.validationMessage);
      first ||= input;
    }
    first?.focus();
    return !first;
  }
  /**
   * The field that the server names at the beginning of its sentence.
   * @param {Problem} problem
   */
  function blamed(problem) {
    return problem.status === 422 || problem.status === 400
      ? known.find((f) => problem.message.startsWith(`${f.name}:`) || problem.message.startsWith(`\`${f.name}\``))
      : null;
  }
  /** @param {Event} event */
  async function send(event) {
    event.preventDefault();
    if (button.classList.contains('busy') || !isComplete()) return;
    setBusy(button, true);
    fill(wrong);
    try {
      await submit(Object.fromEntries(known.map((f) => [f.name, f.value()])));
    } catch (error) {
      const guilty = error instanceof Problem ? blamed(error) : null;
      if (guilty) {
        guilty.wrong(/** @type {Problem} */ (error).message);
        guilty.input.focus();
      } else {
        fill(wrong, failure(error));
      }
    } finally {
      setBusy(button, false);
    }
  }
  return element;
}

/**
 * Lines or commas to a list.
 * @param {string} text
 */
export function listOf(text) {
  return text
    .split(/[\s,;]+/)
    .map((word) => word.trim())
    .filter(Boolean);
}

/**
 * A button that does something long and says so.
 * @param {string} words @param {() => Promise<any>} action @param {{icon?: string, kind?: string, title?: string}} options
 */
export function actionButton(words, action, { icon: picture, kind = '', title } = /** @type {any} */ ({})) {
  const button = h('button', { type: 'button', class: kind, title, on: { click: run } }, picture ? icon(picture) : null, words);
  async function run() {
    if (button.classList.contains('busy')) return;
    setBusy(button, true);
    try {
      await action();
    } catch (error) {
      const id = error instanceof Problem && error.requestId ? ` (request ${error.requestId})` : '';
      say(`${error instanceof Problem ? error.message : 'That went wrong.'}${id}`, 'bad');
      if (!(error instanceof Problem)) console.error(error);
    } finally {
      setBusy(button, false);
    }
  }
  return button;
}
