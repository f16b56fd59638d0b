// What several pages have in common: headings, states, notices, lists of facts, tabs.

import { h, fill, freshId } from './dom.js';
import { icon } from './icons.js';
import { words } from './format.js';
import { link } from './router.js';

/**
 * State → [kind of colour, words]. Colour never stands alone: the words are beside it.
 * @type {Record<string, [string, string]>}
 */
const STATES = {
  scheduled: ['calm', 'Scheduled'],
  queued: ['calm', 'Queued'],
  pending: ['calm', 'Pending'],
  sent: ['calm', 'Accepted'],
  delivery_delayed: ['warn', 'Deferred'],
  delivered: ['good', 'Delivered'],
  bounced: ['bad', 'Bounced'],
  complained: ['bad', 'Complained'],
  failed: ['bad', 'Failed'],
  expired: ['bad', 'Expired'],
  suppressed: ['warn', 'Suppressed'],
  canceled: ['dim', 'Cancelled'],
  cancelled: ['dim', 'Cancelled'],
  active: ['good', 'Active'],
  retiring: ['warn', 'Retiring'],
  revoked: ['dim', 'Revoked'],
  verified: ['good', 'Verified'],
  not_started: ['calm', 'Not looked up'],
  temporary_failure: ['warn', 'No answer'],
  enabled: ['good', 'Enabled'],
  disabled: ['dim', 'Disabled'],
  confirmed: ['good', 'Confirmed'],
  suspended: ['bad', 'Suspended'],
  sandbox: ['warn', 'Sandbox'],
  production: ['good', 'Production'],
  dsn_queued: ['calm', 'Report sent to the sender'],
  dsn_withheld: ['dim', 'Report withheld'],
};

/**
 * @param {string} name
 * @param {string} [said]
 */
export function state(name, said) {
  const [kind, text] = STATES[name] || ['calm', words(name)];
  return h(`span.state.${kind}`, h('span.dot', { 'aria-hidden': 'true' }), said || text);
}

/** @param {string} name */
export function stateKind(name) {
  return STATES[name]?.[0] || 'calm';
}

/** @param {string} name */
export function stateWords(name) {
  return STATES[name]?.[1] || words(name);
}

/** @param {string} environment */
export function environmentTag(environment) {
  return environment === 'test' ? h('span.tag.test', 'test') : h('span.tag.live', 'live');
}

/**
 * @param {{title: any, sub?: any, actions?: any, up?: [string, string] | null, badge?: any}} what up: [address, words]
 */
export function pageHead({ title, sub = null, actions = null, up = null, badge = null }) {
  return h(
    'header.page-head',
    up ? h('p.up', h('a', { href: `#${up[0]}` }, icon('left'), up[1])) : null,
    h('.page-title', h('h1', title), badge, actions ? h('.actions', actions) : null),
    sub ? h('p.sub', sub) : null,
  );
}

/**
 * @param {string} title
 * @param {any} actions @param {any[]} content
 */
export function card(title, actions, ...content) {
  const name = freshId('card');
  return h(
    'section.card',
    { 'aria-labelledby': name },
    h('header.card-head', h('h2', { id: name }, title), actions ? h('.actions', actions) : null),
    content,
  );
}

/** @param {[string, any][]} facts those that are null are left out */
export function factList(facts) {
  return h(
    'dl.facts',
    facts
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(([name, value]) => h('div', h('dt', name), h('dd', value))),
  );
}

/**
 * What to do where there is nothing yet.
 * @param {string} picture
 * @param {string} title
 * @param {any[]} content
 */
export function empty(picture, title, ...content) {
  return h('.empty', h('.empty-picture', icon(picture)), h('h2', title), h('.empty-text', content));
}

/**
 * @param {'info' | 'warn' | 'bad' | 'good'} kind
 * @param {any[]} content
 */
export function notice(kind, ...content) {
  return h(`.notice.${kind}`, icon(kind === 'good' ? 'check' : kind === 'info' ? 'info' : 'warn'), h('div', content));
}

/**
 * A plain table; the first column is each row's name.
 * @param {string} label @param {any[]} heads a head that is an array has a class in its second place @param {any[][]} rows
 */
export function table(label, heads, rows) {
  const names = heads.map((head) => (Array.isArray(head) ? head[0] : head) || h('span.hidden-words', 'Actions'));
  const kinds = heads.map((head) => (Array.isArray(head) ? head[1] : ''));
  /** @param {any[]} row */
  const line = (row) =>
    h(
      'tr',
      row.map((cell, i) => h(i ? 'td' : 'th', { scope: i ? null : 'row', class: kinds[i] }, cell)),
    );
  return h(
    '.table-frame',
    { tabindex: '0', role: 'group', 'aria-label': label },
    h(
      'table',
      h('caption.hidden-words', label),
      h(
        'thead',
        h(
          'tr',
          names.map((name, i) => h('th', { scope: 'col', class: kinds[i] }, name)),
        ),
      ),
      h('tbody', rows.map(line)),
    ),
  );
}

/**
 * Tabs after the ARIA pattern: arrows move, each panel is made when it is first shown.
 * @param {string} label
 * @param {{id: string, title: any, make: () => any}[]} tabs
 * @param {string} chosen
 * @param {(id: string) => void} onChange
 */
export function tabs(label, tabs, chosen, onChange) {
  const name = freshId('tabs');
  const panel = h('.tab-panel', { id: `${name}-panel`, role: 'tabpanel', tabindex: '0' });
  const buttons = tabs.map((tab) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `${name}-${tab.id}`,
        'aria-controls': `${name}-panel`,
        on: { click: () => choose(tab.id) },
      },
      tab.title,
    ),
  );
  const bar = h('.tabs', { role: 'tablist', 'aria-label': label, on: { keydown: onKey } }, buttons);
  /** @type {Map<string, any>} */
  const made = new Map();

  /**
   * @param {string} id
   * @param {boolean} [quietly]
   */
  function choose(id, quietly = false) {
    const tab = tabs.find((candidate) => candidate.id === id) || tabs[0];
    if (!made.has(tab.id)) made.set(tab.id, tab.make());
    buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', String(tabs[i] === tab));
      button.tabIndex = tabs[i] === tab ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', `${name}-${tab.id}`);
    fill(panel, made.get(tab.id));
    if (!quietly) onChange(tab.id);
  }
  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const at = buttons.indexOf(/** @type {any} */ (event.target));
    const to =
      event.key === 'ArrowRight'
        ? at + 1
        : event.key === 'ArrowLeft'
          ? at - 1
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? buttons.length - 1
              : -9;
    if (at < 0 || to === -9) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    choose(tabs[next].id);
    buttons[next].focus();
  }
  choose(chosen, true);
  return h('.tabbed', bar, panel);
}

/**
 * A row of choices of which one holds: pressed buttons.
 * @param {string} label @param {[string, any][]} choices @param {string} chosen @param {(id: string) => void} onChange
 */
export function segments(label, choices, chosen, onChange) {
  const buttons = choices.map(([id, words]) =>
    h(
      'button',
      {
        type: 'button',
        'aria-pressed': String(id === chosen),
        on: {
          click: () => {
            for (const [i, button] of buttons.entries()) button.setAttribute('aria-pressed', String(choices[i][0] === id));
            onChange(id);
          },
        },
      },
      words,
    ),
  );
  return h('.segments', { role: 'group', 'aria-label': label }, buttons);
}

/**
 * @param {string} id
 * @param {any} [text]
 */
export function messageLink(id, text) {
  return h('a', { href: link(`/messages/${id}`) }, text || h('code', id));
}
