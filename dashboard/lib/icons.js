// Our own small pictures, 20 units square, drawn in the colour of the text beside them.

import { svg } from './dom.js';

/** @type {Record<string, string>} */
const PATHS = {
  overview: 'M3 16.5h14M5.5 13.5V9M10 13.5V4.5M14.5 13.5V7',
  messages: 'M3 5.5h14v9.5H3zM3.5 6l6.5 5 6.5-5',
  refusals: 'M4.5 3h11v14h-11zM7.5 7.5l5 5M12.5 7.5l-5 5',
  inbound: 'M3 11.5V16h14v-4.5M3 11.5h4l1.2 2h3.6l1.2-2h4M10 3v6.5M7 7l3 3 3-3',
  start: 'M4 3.5v13M4 4.5h10.5l-2.5 3 2.5 3H4',
  keys: 'M12.5 10.5a3.5 3.5 0 1 0-3.2-2.1L3 14.7V17h2.5v-2H7.5v-2h1.3l1.6-1.6a3.5 3.5 0 0 0 2.1-.9zM13.3 6.8h.01',
  domains:
    'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM3.2 10h13.6M10 3c2.4 2 3.2 4.3 3.2 7s-.8 5-3.2 7c-2.4-2-3.2-4.3-3.2-7S7.6 5 10 3z',
  sandbox: 'M10 3l6.5 3.5v7L10 17l-6.5-3.5v-7zM3.6 6.6 10 10l6.4-3.4M10 10v7',
  runs: 'M8 3v5L3.8 15.2A1.2 1.2 0 0 0 4.8 17h10.4a1.2 1.2 0 0 0 1-1.8L12 8V3M7 3h6M6.3 12.5h7.4',
  queue: 'M3.5 5h13M3.5 10h13M3.5 15h8',
  accounts: 'M4 17V4.5L10 3v14M10 7.5l6 1.5v8M3 17h14M6.5 7h.01M6.5 10h.01M6.5 13h.01M13 11.5h.01M13 14h.01',
  webhooks: 'M6 6.5 3 10l3 3.5M14 6.5l3 3.5-3 3.5M11.5 5l-3 10',
  suppressions: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM5.2 5.2l9.6 9.6',
  usage: 'M3.5 15.5l4-5 3.5 3 5.5-8',
  account: 'M10 10a3.3 3.3 0 1 0 0-6.6A3.3 3.3 0 0 0 10 10zM3.8 17c.5-3.2 3-4.8 6.2-4.8s5.7 1.6 6.2 4.8',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4',
  copy: 'M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z',
  check: 'M4 10.5l4 4 8-9',
  cross: 'M5 5l10 10M15 5 5 15',
  warn: 'M10 3.5 17.5 16.5h-15zM10 8.5v3.5M10 14.2h.01',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.5v4M10 6.6h.01',
  clock: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4l2.8 2',
  sun: 'M10 13.3a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6zM10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M4.7 15.3l1-1M14.3 5.7l1-1',
  moon: 'M16 12.2A6.5 6.5 0 0 1 7.8 4a6.5 6.5 0 1 0 8.2 8.2z',
  screen: 'M3 4h14v9.5H3zM7.5 16.5h5M10 13.5v3',
  phone: 'M6 2.5h8v15H6zM9 15h2',
  tablet: 'M4.5 3h11v14h-11zM9 14.8h2',
  menu: 'M3.5 5.5h13M3.5 10h13M3.5 14.5h13',
  left: 'M12 4.5 6.5 10l5.5 5.5',
  right: 'M8 4.5 13.5 10 8 15.5',
  up: 'M10 16V4.5M5 9l5-5 5 5',
  down: 'M10 3.5v9.5M5.5 9l4.5 4.5L14.5 9M4 16.5h12',
  plus: 'M10 4v12M4 10h12',
  refresh: 'M16 10a6 6 0 1 1-1.8-4.3M16.2 3v3.5h-3.5',
  external: 'M8 4.5H4v11.5h11.5V12M11 4h5v5M16 4l-7 7',
  out: 'M8.5 4H4v12h4.5M8 10h9M13.5 6.5 17 10l-3.5 3.5',
  clip: 'M15.5 9.5 10 15a3.5 3.5 0 0 1-5-5l5.8-5.8a2.3 2.3 0 0 1 3.3 3.3L8.5 13a1.1 1.1 0 0 1-1.6-1.6l5-5',
  shield: 'M10 3l6 2v4.5c0 3.5-2.3 6-6 7.5-3.7-1.5-6-4-6-7.5V5z',
};

/**
 * Decoration: what it stands for is said in words beside it.
 * @param {string} name
 */
export function icon(name) {
  return svg(
    'svg',
    { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: PATHS[name] || PATHS.info }),
  );
}

/** The mark: a small gate in a wall. */
export function mark() {
  return svg(
    'svg',
    { class: 'mark', viewBox: '0 0 32 32', 'aria-hidden': 'true', focusable: 'false' },
    svg('rect', { width: 32, height: 32, rx: 7, class: 'mark-wall' }),
    svg('path', { d: 'M8 25V15a8 8 0 0 1 16 0v10', class: 'mark-arch' }),
    svg('path', { d: 'M13 25v-9.5a3 3 0 0 1 6 0V25z', class: 'mark-door' }),
  );
}
