// Addresses that live mail does not go to: after a hard bounce, a complaint, or by hand; or mail of one stream, unsubscribed from.

import { h, fill } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, at, get, post, remove, Problem } from '../lib/api.js';
import { card, empty, notice, pageHead, state, table } from '../lib/parts.js';
import { counted, csv, number } from '../lib/format.js';
import { time } from '../lib/time.js';
import { download } from '../lib/copy.js';
import { actionButton, failure, field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { link, rewrite } from '../lib/router.js';
import { say } from '../lib/toast.js';

const BATCH = 100; // addresses a request
const MOST_EXPORTED = 100_000;
/** @type {Record<string, string>} */
const ORIGINS = { bounce: 'Bounced', complaint: 'Complained', manual: 'By hand', unsubscribe: 'Unsubscribed' };

/**
 * The addresses in a file: one a line, or the first column that holds one.
 * @param {string} text
 */
export function addressesIn(text) {
  const found = new Set();
  for (const line of text.split(/\r?\n/)) {
    const cell = line
      .split(/[,;\t]/)
      .map((part) => part.trim().replace(/^"|"$/g, '').replace(/^'/, ''))
      .find((part) => /^[^\s@]+@[^\s@]+$/.test(part));
    if (cell) found.add(cell);
  }
  return [...found];
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function suppressions({ query }) {
  let origin = query.get('origin') || '';
  /** @type {any[]} */
  let rows = [];
  /** @type {string | null} */
  let next = null;
  const place = h('div');
  const search = h('input', {
    type: 'search',
    'aria-label': 'Look an address up',
    placeholder: 'Look an address up',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const kind = h(
    'select',
    {
      'aria-label': 'Origin',
      value: origin,
      on: {
        change: () => {
          origin = kind.value;
          rewrite(link('/suppressions', { origin }));
          load();
        },
      },
    },
    [['', 'Any origin'], ...Object.entries(ORIGINS)].map(([value, words]) => h('option', { value }, words)),
  );

  async function load() {
    const address = search.value.trim();
    try {
      if (address) {
        const one = await get(at`/v1/suppressions/${address}`).catch((error) => {
          if (error instanceof Problem && (error.status === 404 || error.status === 422)) return null;
          throw error;
        });
        rows = one ? [one] : [];
        next = null;
      } else {
        const page = await get('/v1/suppressions', { origin, limit: 100 });
        rows = page.data;
        next = page.has_more ? page.next : null;
      }
      draw();
    } catch (error) {
      fill(place, failure(error, load));
    }
  }
  async function more() {
    const page = await get('/v1/suppressions', { origin, limit: 100, after: next });
    rows.push(...page.data);
    next = page.has_more ? page.next : null;
    draw();
  }
  /** @param {any} row */
  async function lift(row) {
    const sure = await confirm({
      title: `Send to ${row.id} again?`,
      action: 'Lift the suppression',
      danger: row.origin === 'complaint',
      text: h(
        'p',
        row.origin === 'complaint'
          ? 'Its reader called your mail spam. Lift it only if they asked you to.'
          : row.origin === 'bounce'
            ? 'It did not exist when it was last tried. If it bounces again, it is suppressed again.'
            : 'Live mail goes to it from now on.',
      ),
    });
    if (!sure) return;
    await remove(at`/v1/suppressions/${row.id}`);
    rows = rows.filter((other) => other !== row);
    say(`${row.id} gets mail again`);
    draw();
  }
  function draw() {
    const asked = search.value.trim();
    fill(
      place,
      rows.length
        ? card(
            `${number(rows.length)}${next ? '+' : ''} ${rows.length === 1 ? 'address' : 'addresses'}`,
            null,
            table(
              'Suppressed addresses',
              ['Address', 'Why', 'Since', 'Until', ['', 'right']],
              rows.map((row) => [
                h('code', row.id),
                [
                  state(row.origin === 'manual' ? 'canceled' : 'bounced', ORIGINS[row.origin] || row.origin),
                  row.source_id ? h('.small', h('a', { href: link(`/messages/${row.source_id}`) }, 'the message')) : null,
                ],
                time(row.created_at, 'day'),
                time(row.until, 'day', 'for good'),
                actionButton('Lift', () => lift(row), { kind: 'small', title: `Send to ${row.id} again` }),
              ]),
            ),
            next ? h('.pager', actionButton('Show more', more)) : null,
          )
        : h(
            '.card',
            asked
              ? empty('check', 'It is not suppressed', h('p', h('code', asked), ' gets live mail as far as this list goes.'))
              : empty(
                  'suppressions',
                  origin ? 'None of this origin' : 'Nobody is suppressed',
                  h(
                    'p',
                    'Addresses that bounce for good or complain come here by themselves, so that your reputation does not suffer from trying again.',
                  ),
                ),
          ),
    );
  }
  function add() {
    const address = field({ label: 'Address', name: 'email', type: 'email', required: true });
    const dialog = openDialog(
      { title: 'Suppress an address', kind: 'narrow' },
      form({
        action: 'Suppress',
        cancel: () => dialog.close(),
        fields: [h('p.soft', 'No live mail of this account goes to it any more.'), address],
        submit: async (values) => {
          await post('/v1/suppressions', { email: values.email.trim() });
          dialog.close();
          say('Suppressed');
          search.value = '';
          await load();
        },
      }),
    );
  }
  function importFile() {
    const file = h('input', { type: 'file', accept: '.csv,.txt,text/csv,text/plain', id: 'import-file' });
    const progress = h('div', { role: 'status' });
    const dialog = openDialog(
      { title: 'Import addresses', kind: 'narrow' },
      h(
        '.dialog-body',
        h('p.soft', 'A CSV or text file: one address a line, other columns are passed over.'),
        h('label', { for: 'import-file' }, 'File'),
        file,
        progress,
      ),
      h(
        'footer',
        h('button', { type: 'button', on: { click: () => dialog.close() } }, 'Cancel'),
        actionButton(
          'Import',
          async () => {
            if (!file.files?.length) {
              fill(progress, notice('bad', h('p', 'Choose a file first.')));
              return;
            }
            const list = addressesIn(await file.files[0].text());
            const bar = h('progress', { max: Math.max(1, list.length), value: 0, 'aria-label': 'Imported' });
            /** @type {string[]} */
            const wrong = [];
            for (let i = 0; i < list.length; i += BATCH) {
              const part = list.slice(i, i + BATCH);
              await post('/v1/suppressions/batch/add', { emails: part }).catch(async (error) => {
                if (!(error instanceof Problem) || error.status !== 422) throw error;
                // One that is no address refuses all with it: those are found one by one.
                for (const email of part)
                  await post('/v1/suppressions', { email }).catch((problem) => {
                    if (problem.status !== 422) throw problem;
                    wrong.push(email);
                  });
              });
              bar.value = i + part.length;
              fill(
                progress,
                bar,
                h('p.soft.small', `${number(Math.min(i + part.length, list.length))} of ${number(list.length)}`),
              );
            }
            await load();
            if (wrong.length)
              fill(
                progress,
                notice(
                  'warn',
                  h(
                    'p',
                    `${counted(list.length - wrong.length, 'address', 'addresses')} imported; these are none: ${wrong.slice(0, 10).join(', ')}`,
                  ),
                ),
              );
            else {
              dialog.close();
              say(`${counted(list.length, 'address', 'addresses')} imported`);
            }
          },
          { kind: 'primary' },
        ),
      ),
    );
  }
  async function exportFile() {
    const list = await all('/v1/suppressions', { limit: 100, origin }, MOST_EXPORTED);
    download(
      'suppressions.csv',
      csv([
        ['email', 'stream', 'origin', 'created_at', 'until', 'source_id'],
        ...list.map((row) => [row.email, row.stream, row.origin, row.created_at, row.until, row.source_id]),
      ]),
    );
  }
  let timer = 0;
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(load, 250);
  });
  await load();
  return {
    element: h(
      'div',
      pageHead({
        title: 'Suppressions',
        sub: 'Addresses that live mail of this account does not go to.',
        actions: [
          h('button', { type: 'button', on: { click: importFile } }, icon('up'), 'Import'),
          actionButton('Export CSV', exportFile, { icon: 'down' }),
          h('button.primary', { type: 'button', on: { click: add } }, icon('plus'), 'Add'),
        ],
      }),
      h('.filters', { role: 'search' }, h('.search-box', icon('search'), search), kind),
      place,
    ),
    title: 'Suppressions',
    keys: [
      { keys: 'n', says: 'Suppress an address', run: add },
      { keys: 's', says: 'Search here', run: () => search.focus() },
    ],
  };
}
