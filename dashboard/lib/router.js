// Addresses and pages. An address is behind the '#', so that recipients in a filter reach neither the server nor a proxy's log.
// A page that says `keep` stays in memory while one that it leads to is open: Esc returns to the same row.

import { fill, h } from './dom.js';
import { failure } from './form.js';
import { setPageKeys } from './shortcuts.js';

/**
 * @typedef {{element: HTMLElement, title: string, leave?: () => void, resume?: () => void, keep?: boolean,
 *   change?: (query: URLSearchParams) => void, keys?: import('./shortcuts.js').Shortcut[]}} Page
 * @typedef {{params: string[], query: URLSearchParams}} Visit
 * @typedef {{pattern: RegExp, load: () => Promise<{default: (visit: Visit) => Page | Promise<Page>}>, parent?: string}} Route
 */

/** @type {Route[]} */
let routes = [];
/** @type {HTMLElement} */
let outlet;
/** @type {{path: string, page: Page, route: Route} | null} */
let shown = null;
/** @type {{path: string, query: string, page: Page, route: Route} | null} */
let kept = null;
let visits = 0;
/** @type {Set<(path: string) => void>} */
const listeners = new Set();

export function here() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  return { path: path || '/', query: new URLSearchParams(query) };
}

/**
 * @param {string} path
 * @param {Record<string, any> | URLSearchParams} [query]
 */
export function link(path, query = {}) {
  const parameters =
    query instanceof URLSearchParams
      ? query
      : new URLSearchParams(
          Object.entries(query)
            .filter(([, value]) => value !== undefined && value !== null && value !== '')
            .map(([k, v]) => [k, String(v)]),
        );
  const text = parameters.toString();
  return `#${path}${text ? `?${text}` : ''}`;
}

/** @param {string} address as link() makes it */
export function navigate(address) {
  location.hash = address;
}

/**
 * Another query of the page that is shown, without a step in the history for each letter typed.
 * @param {string} address
 */
export function rewrite(address) {
  history.replaceState(history.state, '', address);
  if (kept && shown && kept.page === shown.page) kept.query = here().query.toString();
  for (const listener of listeners) listener(here().path);
}

/** @param {(path: string) => void} listener */
export function onNavigation(listener) {
  listeners.add(listener);
}

/** To where one came from, or to what stands above. */
export function goBack() {
  const parent = shown?.route.parent;
  if (!parent) return false;
  if (kept && kept.path === parent) navigate(`#${kept.path}${kept.query ? `?${kept.query}` : ''}`);
  else navigate(`#${parent}`);
  return true;
}

/** @param {Page} page */
function focusTop(page) {
  const heading = /** @type {HTMLElement | null} */ (page.element.querySelector('h1'));
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** @param {Page} page */
function show(page) {
  fill(outlet, page.element);
  document.title = `${page.title} · Postern`;
  setPageKeys(page.keys || []);
}

async function arrive() {
  const { path, query } = here();
  const route = routes.find((candidate) => candidate.pattern.test(path)) || routes[0];
  const visit = ++visits;
  if (shown && shown.path === path && shown.page.change) {
    shown.page.change(query);
    for (const listener of listeners) listener(path);
    return;
  }
  if (shown && !(shown.page.keep && route.parent === shown.path)) {
    shown.page.leave?.();
    if (kept?.page === shown.page) kept = null;
  }
  if (kept && kept.path !== path && route.parent !== kept.path) {
    kept.page.leave?.();
    kept = null;
  }
  for (const listener of listeners) listener(path);
  if (kept && kept.path === path) {
    shown = kept;
    show(kept.page);
    if (kept.query !== query.toString()) {
      kept.query = query.toString();
      kept.page.change?.(query);
    }
    kept.page.resume?.();
    return;
  }
  outlet.setAttribute('aria-busy', 'true');
  try {
    const match = /** @type {RegExpMatchArray} */ (path.match(route.pattern) || ['']);
    const page = await (await route.load()).default({ params: match.slice(1).map(decodeURIComponent), query });
    if (visit !== visits) {
      page.leave?.();
      return;
    }
    shown = { path, page, route };
    if (page.keep) kept = { path, query: query.toString(), page, route };
    show(page);
    window.scrollTo(0, 0);
    focusTop(page);
  } catch (error) {
    if (visit !== visits) return;
    shown = null;
    fill(
      outlet,
      h('h1.failed', 'This page cannot be shown'),
      failure(error, () => arrive()),
    );
  } finally {
    outlet.removeAttribute('aria-busy');
  }
}

/** Loads the page that is shown anew. */
export function reload() {
  shown?.page.leave?.();
  if (kept?.page === shown?.page) kept = null;
  shown = null;
  return arrive();
}

/**
 * @param {HTMLElement} place
 * @param {Route[]} table the first one is where to begin
 */
export function startRouter(place, table) {
  outlet = place;
  routes = table;
  window.addEventListener('hashchange', arrive);
  return arrive();
}
