// The palette: pages, actions, and whatever the words found: messages, keys, domains.

import { h, fill, freshId } from './dom.js';
import { icon } from './icons.js';
import { get } from './api.js';
import { openDialog } from './dialog.js';
import { link, navigate } from './router.js';
import { stateWords } from './parts.js';

const WAIT_MILLISECONDS = 180;

/** @typedef {{words: string, picture: string, end?: string, group: string, run: () => void}} Entry */

/**
 * Letters of the query in their order.
 * @param {string} text
 * @param {string} query
 */
function matches(text, query) {
  let at = 0;
  const low = text.toLowerCase();
  for (const letter of query.toLowerCase().replace(/\s+/g, '')) {
    at = low.indexOf(letter, at) + 1;
    if (!at) return false;
  }
  return true;
}

/**
 * @param {{path: string, words: string, picture: string, key: string}[]} places
 * @param {{words: string, picture: string, run: () => void}[]} actions
 */
export function palette(places, actions) {
  if (document.querySelector('dialog.palette')) return;
  const name = freshId('palette');
  /** @type {Entry[]} */
  let entries = [];
  /** @type {Entry[]} */
  let found = [];
  /** @type {any[]} */
  let own = [];
  let at = 0;
  /** @type {any} */
  let timer = 0;
  let asked = 0;

  const list = h('.palette-list', { id: name, role: 'listbox', 'aria-label': 'Found' });
  const input = h('input.palette-input', {
    type: 'text',
    role: 'combobox',
    'aria-expanded': 'true',
    'aria-controls': name,
    'aria-autocomplete': 'list',
    'aria-label': 'Search messages, keys, domains and pages',
    placeholder: 'Search messages, keys, domains, pages…',
    autocomplete: 'off',
    spellcheck: 'false',
    autofocus: true,
    on: { input: onInput, keydown: onKey },
  });
  const dialog = openDialog({ title: 'Search and jump', kind: 'palette', quiet: true }, input, list);
  input.focus();

  /** @param {string} query */
  function fixed(query) {
    const go = places
      .filter((place) => matches(place.words, query))
      .map((place) => ({
        words: place.words,
        picture: place.picture,
        end: `g ${place.key}`,
        group: 'Pages',
        run: () => navigate(`#${place.path}`),
      }));
    const acts = actions.filter((action) => matches(action.words, query)).map((action) => ({ ...action, group: 'Actions' }));
    const things = query ? own.filter((thing) => matches(thing.words, query)).slice(0, 6) : [];
    const search = query
      ? [
          {
            words: `Messages with “${query}”`,
            picture: 'search',
            group: 'Search',
            run: () => navigate(link('/messages', { q: query })),
          },
        ]
      : [];
    return [...go, ...things, ...acts, ...search];
  }
  function draw() {
    const query = input.value.trim();
    entries = [...fixed(query), ...found];
    entries.sort(
      (a, b) =>
        ['Pages', 'Keys', 'Domains', 'Messages', 'Actions', 'Search'].indexOf(a.group) -
        ['Pages', 'Keys', 'Domains', 'Messages', 'Actions', 'Search'].indexOf(b.group),
    );
    at = Math.min(at, Math.max(0, entries.length - 1));
    const groups = [...new Set(entries.map((entry) => entry.group))];
    fill(
      list,
      groups.map((group) =>
        h(
          'div',
          { role: 'group', 'aria-label': group },
          h('.group', { 'aria-hidden': 'true' }, group),
          entries.map((entry, i) =>
            entry.group === group
              ? h(
                  'div',
                  {
                    role: 'option',
                    id: `${name}-${i}`,
                    'aria-selected': String(i === at),
                    on: {
                      click: () => choose(i),
                      mousemove: () => {
                        if (at !== i) {
                          at = i;
                          mark();
                        }
                      },
                    },
                  },
                  icon(entry.picture),
                  h('span.words', entry.words),
                  entry.end ? h('span.end', entry.end) : null,
                )
              : null,
          ),
        ),
      ),
    );
    mark();
  }
  function mark() {
    for (const option of list.querySelectorAll('[role="option"]'))
      option.setAttribute('aria-selected', String(option.id === `${name}-${at}`));
    input.setAttribute('aria-activedescendant', entries.length ? `${name}-${at}` : '');
    list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }
  /** @param {number} i */
  function choose(i) {
    const entry = entries[i];
    if (!entry) return;
    dialog.close();
    entry.run();
  }
  function onInput() {
    at = 0;
    found = [];
    draw();
    clearTimeout(timer);
    const query = input.value.trim();
    if (query.length >= 2) timer = setTimeout(() => look(query), WAIT_MILLISECONDS);
  }
  /** @param {string} query */
  async function look(query) {
    const mine = ++asked;
    const page = await get('/v1/emails', { q: query, limit: 6 }).catch(() => null);
    if (mine !== asked || !page) return;
    found = page.data.map((/** @type {any} */ row) => ({
      words: `${row.subject || '(no subject)'} — ${row.to[0] || ''}`,
      picture: 'messages',
      end: stateWords(row.last_event),
      group: 'Messages',
      run: () => navigate(link(`/messages/${row.id}`)),
    }));
    draw();
  }
  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      at = (at + (event.key === 'ArrowDown' ? 1 : -1) + entries.length) % Math.max(1, entries.length);
      mark();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      choose(at);
    }
  }
  draw();
  Promise.all([get('/v1/api-keys', { limit: 200 }), get('/v1/domains')]).then(
    ([keys, domains]) => {
      own = [
        ...keys.data.map((/** @type {any} */ key) => ({
          words: `${key.name || '(no name)'} · ${key.key_prefix}…`,
          picture: 'keys',
          end: stateWords(key.state),
          group: 'Keys',
          run: () => navigate(link(`/keys/${key.id}`)),
        })),
        ...domains.data.map((/** @type {any} */ domain) => ({
          words: domain.name,
          picture: 'domains',
          end: stateWords(domain.status),
          group: 'Domains',
          run: () => navigate(link(`/domains/${domain.id}`)),
        })),
      ];
      if (input.value.trim()) draw();
    },
    () => {},
  );
}
