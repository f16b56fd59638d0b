// Speaks the public API, as the signed-in person. A failure is a Problem that says what happened, what to do, and its request's id.
// Where the session has ended, the person signs in over the page and the request is made again: nothing on the page is lost.

/** @typedef {{query?: Record<string, any>, body?: any, signal?: AbortSignal, text?: boolean, quiet?: boolean,
 *   headers?: Record<string, string>, anonymous?: boolean}} Options */

export class Problem extends Error {
  /** @param {{status: number, name: string, message: string, requestId?: string, retryAfter?: number}} what */
  constructor(what) {
    super(what.message);
    this.status = what.status;
    this.name = what.name;
    this.requestId = what.requestId || '';
    this.retryAfter = what.retryAfter || 0;
  }
}

const MOST_PATIENCE_SECONDS = 5;

/** @type {() => Promise<boolean>} */
let signInAgain = async () => false;
/** @type {Set<(online: boolean) => void>} */
const listeners = new Set();
let online = true;

/** @param {() => Promise<boolean>} handler true: signed in, ask again */
export function onSessionEnd(handler) {
  signInAgain = handler;
}

/** @param {(online: boolean) => void} listener */
export function onConnection(listener) {
  listeners.add(listener);
}

/** @param {boolean} now */
function setOnline(now) {
  if (now === online) return;
  online = now;
  for (const listener of listeners) listener(now);
}

export function isOnline() {
  return online;
}

/**
 * @param {string} path
 * @param {Record<string, any>} [query]
 */
export function address(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * A path of which parts come from elsewhere: at`/v1/emails/${id}`.
 * @param {TemplateStringsArray} parts
 * @param {any[]} values
 */
export function at(parts, ...values) {
  return parts.reduce((path, part, i) => path + encodeURIComponent(String(values[i - 1])) + part);
}

/**
 * @param {string} method
 * @param {string} path @param {Options} options
 */
async function ask(method, path, options) {
  /** @type {Record<string, string>} */
  const headers = { Accept: options.text ? '*/*' : 'application/json', ...options.headers };
  /** @type {RequestInit} */
  const request = { method, headers, signal: options.signal, credentials: 'same-origin', redirect: 'error' };
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(options.body);
  }
  try {
    const response = await fetch(address(path, options.query), request);
    setOnline(true);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    setOnline(false);
    throw new Problem({
      status: 0,
      name: 'offline',
      message: 'The server cannot be reached. Nothing was lost on this page; try again when the connection is back.',
    });
  }
}

/** @param {Response} response */
async function problemOf(response) {
  /** @type {any} */
  let said = null;
  try {
    said = await response.json();
  } catch {
    // A proxy between may answer in its own words.
  }
  return new Problem({
    status: response.status,
    name: said?.name || `http_${response.status}`,
    message: said?.message || `The server answered ${response.status} ${response.statusText}.`,
    requestId: response.headers.get('x-request-id') || '',
    retryAfter: Number(response.headers.get('retry-after')) || 0,
  });
}

/**
 * @param {Problem} problem
 * @param {string} method
 */
function isWorthWaiting(problem, method) {
  return method === 'GET' && problem.status === 429 && problem.retryAfter > 0 && problem.retryAfter <= MOST_PATIENCE_SECONDS;
}

/**
 * @param {string} method @param {string} path @param {Options} [options]
 * @returns {Promise<any>} the answer's JSON, or its text where `text` is set
 */
export async function api(method, path, options = {}) {
  for (let again = 0; ; again += 1) {
    const response = await ask(method, path, options);
    if (response.ok) return options.text ? response.text() : response.status === 204 ? null : response.json();
    const problem = await problemOf(response);
    if (problem.status === 401 && !options.anonymous && again < 2 && (await signInAgain())) continue;
    if (!again && isWorthWaiting(problem, method)) {
      await new Promise((resolve) => setTimeout(resolve, problem.retryAfter * 1000));
      continue;
    }
    throw problem;
  }
}

/**
 * @param {string} path
 * @param {Record<string, any>} [query] @param {AbortSignal} [signal]
 */
export function get(path, query, signal) {
  return api('GET', path, { query, signal });
}

/**
 * @param {string} path
 * @param {any} [body]
 */
export function post(path, body = {}) {
  return api('POST', path, { body });
}

/**
 * @param {string} path
 * @param {any} body
 */
export function patch(path, body) {
  return api('PATCH', path, { body });
}

/**
 * @param {string} path
 * @param {Record<string, any>} [query]
 */
export function remove(path, query) {
  return api('DELETE', path, { query });
}

/**
 * All pages of a list that is known to be short.
 * @param {string} path @param {Record<string, any>} [query] @param {number} [most]
 * @returns {Promise<any[]>}
 */
export async function all(path, query = {}, most = 2000) {
  const found = [];
  let after;
  do {
    /** @type {any} */
    const page = await get(path, { ...query, after });
    found.push(...page.data);
    after = page.has_more ? page.next : null;
  } while (after && found.length < most);
  return found;
}
