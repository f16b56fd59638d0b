// The dashboard begins here: who is signed in, the frame around the pages, and which address is which page.

import { h, fill } from './lib/dom.js';
import { icon, mark } from './lib/icons.js';
import { startClock } from './lib/time.js';
import { onConnection } from './lib/api.js';
import { followSignOut, isOperator, me, resume, signInPage, signOut } from './lib/session.js';
import { goBack, navigate, onNavigation, startRouter } from './lib/router.js';
import { showShortcuts, startShortcuts } from './lib/shortcuts.js';
import { onMode, startLive } from './lib/live.js';
import { failure, actionButton } from './lib/form.js';
import { state } from './lib/parts.js';
import { nextTheme, theme, themeWords } from './lib/theme.js';

/** @typedef {{path: string, words: string, picture: string, key: string, operators?: boolean}} Place */

/** @type {Place[]} */
const PLACES = [
  { path: '/', words: 'Overview', picture: 'overview', key: 'o' },
  { path: '/messages', words: 'Messages', picture: 'messages', key: 'm' },
  { path: '/refusals', words: 'Refusals', picture: 'refusals', key: 'r' },
  { path: '/inbound', words: 'Inbound', picture: 'inbound', key: 'i' },
  { path: '/keys', words: 'API keys', picture: 'keys', key: 'k' },
  { path: '/domains', words: 'Domains', picture: 'domains', key: 'd' },
  { path: '/sandbox', words: 'Sandbox', picture: 'sandbox', key: 's' },
  { path: '/runs', words: 'Test runs', picture: 'runs', key: 't' },
  { path: '/webhooks', words: 'Webhooks', picture: 'webhooks', key: 'w' },
  { path: '/suppressions', words: 'Suppressions', picture: 'suppressions', key: 'x' },
  { path: '/usage', words: 'Usage', picture: 'usage', key: 'u' },
  { path: '/account', words: 'Account', picture: 'account', key: 'a' },
  { path: '/start', words: 'First steps', picture: 'start', key: 'f' },
  { path: '/queue', words: 'Queue', picture: 'queue', key: 'q', operators: true },
  { path: '/accounts', words: 'Accounts', picture: 'accounts', key: 'c', operators: true },
];

/** @type {import('./lib/router.js').Route[]} */
const ROUTES = [
  { pattern: /^\/$/, load: () => import('./pages/overview.js') },
  { pattern: /^\/start$/, load: () => import('./pages/start.js') },
  { pattern: /^\/messages$/, load: () => import('./pages/messages.js') },
  { pattern: /^\/messages\/([^/]+)$/, load: () => import('./pages/message.js'), parent: '/messages' },
  { pattern: /^\/refusals$/, load: () => import('./pages/refusals.js') },
  { pattern: /^\/inbound$/, load: () => import('./pages/inbound.js') },
  { pattern: /^\/inbound\/([^/]+)$/, load: () => import('./pages/received.js'), parent: '/inbound' },
  { pattern: /^\/keys$/, load: () => import('./pages/keys.js') },
  { pattern: /^\/keys\/([^/]+)$/, load: () => import('./pages/key.js'), parent: '/keys' },
  { pattern: /^\/domains$/, load: () => import('./pages/domains.js') },
  { pattern: /^\/domains\/([^/]+)$/, load: () => import('./pages/domain.js'), parent: '/domains' },
  { pattern: /^\/sandbox$/, load: () => import('./pages/sandbox.js') },
  { pattern: /^\/runs$/, load: () => import('./pages/runs.js') },
  { pattern: /^\/runs\/([^/]+)$/, load: () => import('./pages/run.js'), parent: '/runs' },
  { pattern: /^\/webhooks$/, load: () => import('./pages/webhooks.js') },
  { pattern: /^\/webhooks\/([^/]+)$/, load: () => import('./pages/webhook.js'), parent: '/webhooks' },
  { pattern: /^\/suppressions$/, load: () => import('./pages/suppressions.js') },
  { pattern: /^\/usage$/, load: () => import('./pages/usage.js') },
  { pattern: /^\/account$/, load: () => import('./pages/account.js') },
  { pattern: /^\/queue$/, load: () => import('./pages/queue.js') },
  { pattern: /^\/accounts$/, load: () => import('./pages/accounts.js') },
  { pattern: /^\/accounts\/([^/]+)$/, load: () => import('./pages/account-of.js'), parent: '/accounts' },
];

/** @type {Record<string, [string, string]>} */
const FEED = {
  starting: ['calm', 'Connecting'],
  live: ['good', 'Live'],
  polling: ['warn', 'Every 4 s'],
  offline: ['bad', 'Offline'],
};

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

/**
 * @param {Place[]} places
 * @param {string} label
 */
function menu(places, label) {
  return h(
    'ul',
    { 'aria-label': label },
    places.map((place) =>
      h('li', h('a', { href: `#${place.path}`, dataset: { path: place.path } }, icon(place.picture), h('span', place.words))),
    ),
  );
}

function themeButton() {
  const button = h('button.quiet', {
    type: 'button',
    on: {
      click: () => {
        nextTheme();
        draw();
      },
    },
  });
  function draw() {
    const now = theme();
    fill(button, icon(now === 'dark' ? 'moon' : now === 'light' ? 'sun' : 'screen'), themeWords());
    button.title = 'Colours: by the system, light or dark (t)';
  }
  draw();
  return { button, draw };
}

function feedState() {
  const place = h('span.feed', { role: 'status' });
  onMode((mode) => fill(place, state(FEED[mode][0] === 'good' ? 'active' : mode, FEED[mode][1])));
  return place;
}

function whoIs() {
  const { user, api_key: key, account } = me();
  return h(
    '.who',
    h('.who-account', account.name),
    h('.who-line', state(account.mode)),
    user?.email === account.name
      ? null
      : h(
          '.who-line.soft',
          { title: user ? 'Signed in as' : 'Signed in with a key' },
          user ? user.email : `key ${key?.name || ''}`,
        ),
  );
}

async function openPalette() {
  const { palette } = await import('./lib/palette.js');
  palette(
    PLACES.filter((place) => !place.operators || isOperator()),
    [
      {
        words: 'Switch colours',
        picture: 'sun',
        run: () => {
          nextTheme();
          repaint();
        },
      },
      { words: 'Keyboard shortcuts', picture: 'info', run: showShortcuts },
      { words: 'Sign out', picture: 'out', run: signOut },
    ],
  );
}

let repaint = () => {};

function frame() {
  const colours = themeButton();
  repaint = colours.draw;
  const own = PLACES.filter((place) => !place.operators);
  const operators = PLACES.filter((place) => place.operators);
  const outlet = h('main', { id: 'content', tabindex: '-1' });
  const offline = h(
    '.offline',
    { role: 'alert', hidden: true },
    icon('warn'),
    'Offline: the server cannot be reached. What you see may be old; it is looked up again by itself.',
  );
  const nav = h(
    'nav',
    { id: 'nav', 'aria-label': 'Pages' },
    h('a.brand', { href: '#/' }, mark(), 'Postern'),
    whoIs(),
    h('button.search', { type: 'button', on: { click: openPalette } }, icon('search'), 'Search', h('kbd', 'Ctrl K')),
    menu(own, 'Account'),
    isOperator() ? [h('p.nav-title', 'Installation'), menu(operators, 'Installation')] : null,
    h(
      '.nav-foot',
      feedState(),
      colours.button,
      actionButton('Sign out', signOut, { icon: 'out', kind: 'quiet' }),
      h('button.quiet', { type: 'button', title: 'Keyboard shortcuts (?)', on: { click: showShortcuts } }, h('kbd', '?'), 'Keys'),
    ),
  );
  const toggle = h(
    'button.quiet.icon-only',
    {
      type: 'button',
      'aria-label': 'Menu',
      'aria-expanded': 'false',
      'aria-controls': 'nav',
      on: { click: () => openMenu(!document.body.classList.contains('menu-open')) },
    },
    icon('menu'),
  );
  /** @param {boolean} open */
  function openMenu(open) {
    document.body.classList.toggle('menu-open', open);
    toggle.setAttribute('aria-expanded', String(open));
    if (open) /** @type {HTMLElement | null} */ (nav.querySelector('ul a'))?.focus();
  }
  fill(
    root,
    h(
      'a.skip',
      {
        href: '#content',
        on: {
          click: (/** @type {Event} */ event) => {
            event.preventDefault();
            outlet.focus();
          },
        },
      },
      'Skip to the page',
    ),
    h(
      'header.top',
      toggle,
      h('a.brand', { href: '#/' }, mark(), 'Postern'),
      h('button.quiet.icon-only', { type: 'button', 'aria-label': 'Search', on: { click: openPalette } }, icon('search')),
    ),
    nav,
    h('.page', offline, outlet),
  );
  nav.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Escape' && document.body.classList.contains('menu-open')) {
      openMenu(false);
      toggle.focus();
      event.stopPropagation();
    }
  });
  onConnection((online) => {
    offline.hidden = online;
  });
  onNavigation((path) => {
    if (document.body.classList.contains('menu-open')) openMenu(false);
    for (const a of nav.querySelectorAll('a[data-path]')) {
      const place = /** @type {HTMLElement} */ (a).dataset.path || '';
      const isHere = place === '/' ? path === '/' : path === place || path.startsWith(`${place}/`);
      if (isHere) a.setAttribute('aria-current', 'page');
      else a.removeAttribute('aria-current');
    }
  });
  return outlet;
}

function startKeys() {
  startShortcuts([
    {
      keys: 'Ctrl-K',
      says: 'Search and jump',
      run: () => {
        openPalette();
      },
    },
    {
      keys: '/',
      says: 'Search and jump',
      run: () => {
        openPalette();
      },
    },
    { keys: '?', says: 'These keys', run: showShortcuts },
    {
      keys: 't',
      says: 'Switch colours',
      run: () => {
        nextTheme();
        repaint();
      },
    },
    { keys: 'Escape', says: 'Back to the list', run: () => goBack() },
    ...PLACES.filter((place) => !place.operators || isOperator()).map((place) => ({
      keys: `g ${place.key}`,
      says: place.words,
      run: () => navigate(`#${place.path}`),
    })),
  ]);
}

async function start() {
  if (!(await resume())) await signInPage(root);
  followSignOut();
  const outlet = frame();
  startKeys();
  startClock();
  startLive();
  await startRouter(outlet, ROUTES);
}

start().catch((error) =>
  fill(
    root,
    h(
      'main.sign-in',
      h(
        '.sign-in-card',
        h('h1', 'Postern'),
        failure(error, () => location.reload()),
      ),
    ),
  ),
);
