// Makes nodes. All text becomes text nodes, and what could run or load from elsewhere is refused: a mistake on a page cannot
// turn a message's words into markup.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | any[]} Children */
/** @typedef {Record<string, any>} Attributes */

const FORBIDDEN = /^(on.*|style|srcdoc)$/i;
const LINKS = new Set(['href', 'src', 'action', 'xlink:href']);

/**
 * Of this host, or nothing.
 * @param {string} url
 */
function isOwn(url) {
  return /^(#|\/(?!\/)|blob:|mailto:)/.test(url);
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
function apply(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, /** @type {any} */ (listener));
    } else if (name === 'class') {
      element.classList.add(...String(value).split(' ').filter(Boolean));
    } else if (name === 'dataset') {
      Object.assign(/** @type {HTMLElement} */ (element).dataset, value);
    } else if (name === 'value' || name === 'checked' || name === 'selected') {
      /** @type {any} */ (element)[name] = value;
    } else if (FORBIDDEN.test(name)) {
      throw new Error(`${name} is not for elements made here`);
    } else if (LINKS.has(name) && !isOwn(String(value))) {
      throw new Error('a link to elsewhere');
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

/**
 * @param {Node} parent
 * @param {Children[]} children
 */
export function append(parent, children) {
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** @param {any} thing @returns {thing is Attributes} */
function isAttributes(thing) {
  return typeof thing === 'object' && thing !== null && !Array.isArray(thing) && !(thing instanceof Node);
}

/**
 * h('button.primary', {type: 'button', on: {click: save}}, 'Save')
 * @param {string} tag with classes
 * @param {any[]} rest attributes, if any, and children
 * @returns {any}
 */
export function h(tag, ...rest) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name || 'div');
  if (classes.length) element.classList.add(...classes);
  const attributes = isAttributes(rest[0]) ? rest.shift() : {};
  // A select's value names one of its options, so the children come first.
  const { value, ...others } = attributes;
  apply(element, others);
  append(element, rest);
  if (value !== undefined) apply(element, { value });
  return element;
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {Children[]} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  apply(element, attributes);
  append(element, children);
  return element;
}

const FOCUSABLE = 'a[href], button:not([disabled]), input, select, textarea, summary, [tabindex="0"]';

/**
 * Somebody stood on what was drawn anew: they stand on its like, or on what is nearest, never nowhere.
 * @param {Element} parent
 * @param {HTMLElement} lost
 */
function keepFocus(parent, lost) {
  const candidates = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll(FOCUSABLE)]);
  const like = candidates.find(
    (one) => one.tagName === lost.tagName && one.textContent === lost.textContent && one.title === lost.title,
  );
  const heading = /** @type {HTMLElement | null} */ (document.querySelector('main h1'));
  (like || candidates[0] || heading)?.focus({ preventScroll: true });
}

/**
 * Replaces what is in an element.
 * @param {Element} parent
 * @param {Children[]} children
 */
export function fill(parent, ...children) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const had = focused && focused !== parent && parent.contains(focused);
  const fragment = document.createDocumentFragment();
  append(fragment, children);
  parent.replaceChildren(fragment);
  if (!had || document.activeElement === focused) return;
  if (focused.isConnected) focused.focus({ preventScroll: true });
  else keepFocus(parent, focused);
}

let names = 0;
/**
 * A name for an element that another one refers to.
 * @param {string} stem
 */
export function freshId(stem) {
  names += 1;
  return `${stem}-${names}`;
}
