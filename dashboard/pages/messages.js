// Messages: as many as there are, the newest on top, filters in the address.

import { h, fill } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { get } from '../lib/api.js';
import { VirtualList } from '../lib/list.js';
import { onEvent } from '../lib/live.js';
import { link, navigate } from '../lib/router.js';
import { empty, environmentTag, pageHead, state } from '../lib/parts.js';
import { brief, exact, utc } from '../lib/time.js';
import { someOf } from '../lib/format.js';

const STATES = [
  'scheduled',
  'queued',
  'delivery_delayed',
  'delivered',
  'bounced',
  'complained',
  'failed',
  'suppressed',
  'canceled',
];
const FILTERS = ['q', 'status', 'environment', 'from', 'to', 'subject', 'tag', 'run', 'key', 'message_id', 'since', 'until'];
/**
 * Words before a colon in the search.
 * @type {Record<string, string>}
 */
const WORDS = {
  is: 'status',
  state: 'status',
  status: 'status',
  in: 'environment',
  from: 'from',
  to: 'to',
  subject: 'subject',
  tag: 'tag',
  run: 'run',
  key: 'key',
  id: 'message_id',
};
/** @type {Record<string, string>} */
const STATE_WORDS = { deferred: 'delivery_delayed', cancelled: 'canceled' };
/** @type {[string, string, number][]} */
const SPANS = [
  ['hour', 'Last hour', 3600],
  ['day', 'Last 24 hours', 86400],
  ['week', 'Last 7 days', 7 * 86400],
  ['month', 'Last 30 days', 30 * 86400],
];
/** @type {Record<string, string>} what an event makes of its message */
const OUTCOMES = {
  'email.sent': 'queued',
  'email.scheduled': 'scheduled',
  'email.delivered': 'delivered',
  'email.bounced': 'bounced',
  'email.delivery_delayed': 'delivery_delayed',
  'email.failed': 'failed',
  'email.complained': 'complained',
  'email.suppressed': 'suppressed',
  'email.canceled': 'canceled',
};
const FETCH_MILLISECONDS = 700;
const MOST_PAGES_AT_ONCE = 5;

/** @param {URLSearchParams} query @returns {Record<string, string>} */
function filtersOf(query) {
  return Object.fromEntries(FILTERS.map((name) => [name, query.get(name) || '']).filter(([, value]) => value));
}

/**
 * "to:ada@example.org is:bounced receipt" → filters.
 * @param {string} text
 */
function parseSearch(text) {
  /** @type {Record<string, string>} */
  const found = {};
  const rest = text
    .replace(/(\w+):("[^"]*"|\S+)/g, (whole, word, value) => {
      const name = WORDS[word.toLowerCase()];
      if (!name) return whole;
      const plain = value.replace(/^"|"$/g, '');
      found[name] = name === 'status' ? STATE_WORDS[plain] || plain : plain;
      return '';
    })
    .trim()
    .replace(/\s+/g, ' ');
  if (rest) found.q = rest;
  return found;
}

/** @param {Record<string, string>} filters */
function wanted(filters) {
  const { span, ...query } = filters;
  return query;
}

function makeRow() {
  return h(
    '.mail-row',
    { role: 'row' },
    h('span.is', { role: 'cell' }),
    h('span.to', { role: 'cell' }),
    h('span.subject', { role: 'cell' }, h('a')),
    h('span.more', { role: 'cell' }),
    h('span.when', { role: 'cell' }),
  );
}

/**
 * @param {HTMLElement} element
 * @param {any} row
 */
function drawRow(element, row) {
  const [is, to, subject, more, when] = element.children;
  fill(is, state(row.last_event));
  fill(to, someOf(row.to, 1));
  to.setAttribute('title', [...row.to, ...(row.cc || []), ...(row.bcc || [])].join('\n'));
  const a = /** @type {HTMLAnchorElement} */ (subject.firstElementChild);
  a.setAttribute('href', link(`/messages/${row.id}`));
  a.textContent = row.subject || '(no subject)';
  fill(subject, a, h('span.soft', ` — ${row.from}`));
  fill(more, row.run ? h('span.tag', row.run) : null, environmentTag(row.environment));
  const date = new Date(row.created_at);
  fill(when, h('time', { datetime: row.created_at, title: `${exact(date)} · ${utc(date)}` }, brief(date)));
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function messages({ query }) {
  let filters = filtersOf(query);
  let dirty = false;
  let fetching = false;
  /** @type {any} */
  let timer = 0;
  /** @type {any[]} */
  let keys = [];

  const chips = h('.chips');
  const search = h('input', {
    type: 'search',
    'aria-label': 'Search messages',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'Search, or to:ada@example.org is:bounced tag:order',
    on: { keydown: onSearchKey },
  });
  const status = h(
    'select',
    { 'aria-label': 'State', on: { change: onStatus } },
    h('option', { value: '' }, 'Any state'),
    STATES.map((name) => h('option', { value: name }, state(name).textContent)),
    h('option', { value: 'refused' }, 'Refused: not taken in'),
  );
  const environment = h(
    'select',
    { 'aria-label': 'Environment', on: { change: () => set({ environment: environment.value }) } },
    [
      ['', 'Live and test'],
      ['live', 'Live'],
      ['test', 'Test'],
    ].map(([value, words]) => h('option', { value }, words)),
  );
  const span = h(
    'select',
    { 'aria-label': 'Time', on: { change: onSpan } },
    h('option', { value: '' }, 'Any time'),
    SPANS.map(([name, words]) => h('option', { value: name }, words)),
    h('option', { value: 'other', hidden: true }, 'As chosen'),
  );
  const key = h(
    'select',
    { 'aria-label': 'API key', on: { change: () => set({ key: key.value }) } },
    h('option', { value: '' }, 'Any key'),
  );
  const sub = h('span');

  const list = new VirtualList({
    label: 'Messages',
    load: (place, signal) => get('/v1/emails', { ...wanted(filters), ...place }, signal),
    make: makeRow,
    draw: drawRow,
    header: h(
      '.rows-head',
      { role: 'row' },
      ['State', 'To', 'Subject', '', 'Time'].map((words) =>
        h('span', { role: 'columnheader' }, words || h('span.hidden-words', 'Kind')),
      ),
    ),
    empty: () =>
      Object.keys(filters).length
        ? empty(
            'search',
            'No message matches',
            h('p', 'Take a filter away, or look over a longer time.'),
            h('.actions', h('button', { type: 'button', on: { click: () => navigate('#/messages') } }, 'Clear all filters')),
          )
        : empty(
            'messages',
            'No messages yet',
            h('p', 'What you send appears here at once, without loading the page again.'),
            h('.actions', h('a.button.primary', { href: '#/start' }, 'Send the first one')),
          ),
  });

  /**
   * @param {any} place
   * @param {AbortSignal} [signal]
   */
  async function fetchNew(place, signal) {
    const page = await get('/v1/emails', { ...wanted(filters), ...place, limit: 100 }, signal);
    return page;
  }

  async function refresh() {
    timer = 0;
    if (fetching || !dirty) return;
    fetching = true;
    dirty = false;
    try {
      if (!list.rows.length) {
        await list.start();
      } else {
        for (let i = 0; i < MOST_PAGES_AT_ONCE; i += 1) {
          const before = list.waiting[0]?.id || list.rows[0].id;
          if (list.moreAbove) {
            list.announce();
            break;
          }
          const page = await fetchNew({ before }, list.abort.signal);
          if (page.data.length) list.arrive(page.data);
          if (!page.has_more) break;
          if (i === MOST_PAGES_AT_ONCE - 1) dirty = true;
        }
      }
    } catch (error) {
      if (/** @type {any} */ (error).name !== 'AbortError') console.warn(String(error));
    } finally {
      fetching = false;
      if (dirty) later();
    }
  }

  function later() {
    dirty = true;
    timer ||= setTimeout(refresh, FETCH_MILLISECONDS);
  }

  const stop = onEvent((event) => {
    const outcome = OUTCOMES[event.type];
    const id = event.data?.email_id;
    if (!outcome || !id) return;
    if (event.type === 'email.sent' || event.type === 'email.scheduled') later();
    else list.update(id, (row) => ({ ...row, last_event: outcome }));
  });

  /** @param {KeyboardEvent} event */
  function onSearchKey(event) {
    if (event.key === 'Enter') {
      const refused = /(?:^|\s)token:(\w+)/.exec(search.value);
      if (refused) return navigate(link('/refusals', { token: refused[1], environment: filters.environment, key: filters.key }));
      const found = parseSearch(search.value);
      set({ q: '', ...found });
    } else if (event.key === 'Escape' && search.value) {
      event.preventDefault();
      search.value = '';
      set({ q: '' });
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      list.focusIndex(0);
    }
  }
  search.addEventListener('search', () => {
    if (!search.value && filters.q) set({ q: '' });
  });

  // What was refused is no message: it has a page of its own.
  function onStatus() {
    if (status.value !== 'refused') return set({ status: status.value });
    const { environment: wantedOf = '', key: by = '', since = '', until = '' } = filters;
    return navigate(link('/refusals', { environment: wantedOf, key: by, since, until }));
  }

  function onSpan() {
    const chosen = SPANS.find(([name]) => name === span.value);
    set({ since: chosen ? new Date(Date.now() - chosen[2] * 1000).toISOString().slice(0, 19).concat('Z') : '', until: '' });
  }

  /** @param {Record<string, string>} changes */
  function set(changes) {
    const next = Object.fromEntries(Object.entries({ ...filters, ...changes }).filter(([, value]) => value));
    navigate(link('/messages', next));
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  function chipWords(name, value) {
    if (name === 'key') return `key: ${keys.find((k) => k.id === value)?.name || value}`;
    if (name === 'since') return ['since ', brief(new Date(value))].join('');
    if (name === 'until') return ['until ', brief(new Date(value))].join('');
    return `${name === 'message_id' ? 'Message-ID' : name}: ${value}`;
  }

  function showFilters() {
    const shown = new Set(['q', 'status', 'environment', 'key']);
    search.value = filters.q || '';
    status.value = filters.status || '';
    environment.value = filters.environment || '';
    span.value = filters.since || filters.until ? 'other' : '';
    key.value = filters.key || '';
    fill(
      chips,
      Object.entries(filters)
        .filter(([name]) => !shown.has(name))
        .map(([name, value]) =>
          h(
            'button',
            {
              type: 'button',
              'aria-label': `Take the filter ${chipWords(name, value)} away`,
              on: { click: () => set({ [name]: '' }) },
            },
            chipWords(name, value),
            icon('cross'),
          ),
        ),
    );
  }

  function begin() {
    showFilters();
    list.start();
  }

  const element = h(
    '.messages',
    pageHead({ title: 'Messages', sub }),
    h('.filters', { role: 'search' }, h('.search-box', icon('search'), search), status, environment, key, span),
    chips,
    list.element,
  );
  fill(
    sub,
    'What your keys sent, the newest first. ',
    h('span.soft.for-keys', 'Click a row or press ', h('kbd', 'j'), ' and ', h('kbd', 'Enter'), '.'),
  );
  get('/v1/api-keys', { limit: 200 }).then(
    (page) => {
      keys = page.data;
      fill(
        key,
        h('option', { value: '' }, 'Any key'),
        keys.map((k) => h('option', { value: k.id }, k.name || k.key_prefix)),
      );
      showFilters();
    },
    () => {
      key.hidden = true;
    },
  );
  begin();

  return {
    element,
    title: 'Messages',
    keep: true,
    change: (/** @type {URLSearchParams} */ now) => {
      filters = filtersOf(now);
      begin();
    },
    resume: () => list.resume(),
    leave: () => {
      stop();
      list.stop();
      clearTimeout(timer);
    },
    keys: [...list.keys(), { keys: 's', says: 'Search here', run: () => search.focus() }],
  };
}
