// What was refused lately: of which key, why, and what the client was told. A refusal is no message: it is kept here only, and not long.

import { h, fill } from '../lib/dom.js';
import { get } from '../lib/api.js';
import { card, empty, environmentTag, pageHead, table } from '../lib/parts.js';
import { words } from '../lib/format.js';
import { brief, time } from '../lib/time.js';
import { icon } from '../lib/icons.js';
import { actionButton, failure } from '../lib/form.js';
import { link, navigate } from '../lib/router.js';

const PAGE = 50;
const REFRESH_MILLISECONDS = 5000;
const FILTERS = ['token', 'key', 'environment', 'since', 'until'];

/** @param {URLSearchParams} query @returns {Record<string, string>} */
function filtersOf(query) {
  return Object.fromEntries(FILTERS.map((name) => [name, query.get(name) || '']).filter(([, value]) => value));
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function refusals({ query }) {
  let filters = filtersOf(query);
  /** @type {any[]} */
  let rows = [];
  /** @type {string | null} */
  let next = null;
  const [keys, stats] = await Promise.all([
    get('/v1/api-keys', { limit: 200 }).then(
      (page) => page.data,
      () => [],
    ),
    get('/v1/stats', { period: 'month' }).catch(() => ({ refusals: [] })),
  ]);
  /** @type {string[]} */
  const tokens = stats.refusals.map((/** @type {any} */ one) => one.token).filter(Boolean);
  const place = h('div');
  const chips = h('.chips');

  /** @param {Record<string, string>} changes */
  function set(changes) {
    navigate(link('/refusals', Object.fromEntries(Object.entries({ ...filters, ...changes }).filter(([, value]) => value))));
  }
  /**
   * @param {string} label
   * @param {string} name @param {[string, string][]} choices
   */
  function choice(label, name, choices) {
    const select = h('select', { 'aria-label': label, on: { change: () => set({ [name]: select.value }) } });
    const draw = () => {
      const chosen = filters[name] || '';
      const known = choices.some(([value]) => value === chosen) ? choices : [...choices, [chosen, chosen]];
      fill(
        select,
        known.map(([value, said]) => h('option', { value }, said)),
      );
      select.value = chosen;
    };
    return { select, draw };
  }
  const choices = [
    choice('Reason', 'token', [['', 'Any reason'], ...tokens.map((one) => /** @type {[string, string]} */ ([one, words(one)]))]),
    choice('API key', 'key', [
      ['', 'Any key'],
      ...keys.map((/** @type {any} */ key) => /** @type {[string, string]} */ ([key.id, key.name || key.key_prefix])),
    ]),
    choice('Environment', 'environment', [
      ['', 'Live and test'],
      ['live', 'Live'],
      ['test', 'Test'],
    ]),
  ];
  /** @param {string} name */
  function chip(name) {
    const said = `${name} ${brief(new Date(filters[name]))}`;
    return h(
      'button',
      { type: 'button', 'aria-label': `Take the filter ${said} away`, on: { click: () => set({ [name]: '' }) } },
      said,
      icon('cross'),
    );
  }
  /** @param {any} one */
  function row(one) {
    const key = keys.find((/** @type {any} */ k) => k.id === one.api_key_id);
    return [
      time(one.at),
      [h('a', { href: link('/refusals', { ...filters, token: one.token }) }, h('code', one.token)), h('.soft.small', one.message)],
      [one.from || '–', one.to ? h('.small', 'to ', one.to) : null],
      [
        h('a', { href: link(`/keys/${one.api_key_id}`) }, key ? key.name || key.key_prefix : h('code', one.api_key_id)),
        ' ',
        environmentTag(one.environment),
      ],
      [h('code', one.peer), h('.soft.small', one.door.toUpperCase(), one.client ? ` · ${one.client}` : '')],
    ];
  }
  function draw() {
    for (const one of choices) one.draw();
    fill(
      chips,
      ['since', 'until'].filter((name) => filters[name]).map(chip),
    );
    const isNarrow = Object.keys(filters).length > 0;
    fill(
      place,
      card(
        'Refused',
        null,
        rows.length
          ? table('Refused', [['When', 'tight'], ['Why', 'roomy'], 'From, to', ['API key', 'tight'], ['Client', 'tight']], rows.map(row))
          : isNarrow
            ? empty('search', 'No refusal matches', h('p', 'The last 500 of an account are kept, for seven days.'))
            : empty('check', 'Nothing was refused lately', h('p', 'What the relay does not take in stands here, with the words that the client got.')),
        next ? h('.pager', actionButton('Show more', () => load(true))) : null,
      ),
    );
  }
  /** @param {boolean} [further] */
  async function load(further = false) {
    const page = await get('/v1/refusals', { ...filters, limit: PAGE, after: further ? next : null });
    rows = further ? [...rows, ...page.data] : page.data;
    next = page.has_more ? page.next : null;
    draw();
  }
  await load().catch((error) =>
    fill(
      place,
      failure(error, () => load()),
    ),
  );
  const timer = setInterval(() => {
    if (document.hidden || place.contains(document.activeElement) || rows.length > PAGE) return;
    load().catch(() => {});
  }, REFRESH_MILLISECONDS);
  return {
    element: h(
      'div',
      pageHead({ title: 'Refusals', sub: 'What was not taken in, and what the client was told.' }),
      h(
        '.filters',
        { role: 'search' },
        choices.map((one) => one.select),
      ),
      chips,
      place,
    ),
    title: 'Refusals',
    change: (/** @type {URLSearchParams} */ now) => {
      filters = filtersOf(now);
      load().catch((error) =>
        fill(
          place,
          failure(error, () => load()),
        ),
      );
    },
    leave: () => clearInterval(timer),
  };
}
