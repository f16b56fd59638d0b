// Test runs: test messages that belong together, by the user name of AUTH.

import { h, fill } from '../lib/dom.js';
import { get, at, api } from '../lib/api.js';
import { card, empty, pageHead, state, table } from '../lib/parts.js';
import { counted, number } from '../lib/format.js';
import { time } from '../lib/time.js';
import { actionButton, failure } from '../lib/form.js';
import { confirm } from '../lib/dialog.js';
import { onEvent } from '../lib/live.js';
import { link } from '../lib/router.js';
import { say } from '../lib/toast.js';

const PAGES = 10; // of a hundred messages: the runs of late
const REFRESH_MILLISECONDS = 2000;

/** The runs of the latest test messages. */
async function recentRuns() {
  /** @type {Map<string, {run: string, messages: number, first: string, last: string, states: Map<string, number>}>} */
  const runs = new Map();
  let after;
  let more = false;
  for (let i = 0; i < PAGES; i += 1) {
    /** @type {any} */
    const page = await get('/v1/emails', { environment: 'test', limit: 100, after });
    for (const row of page.data) {
      if (!row.run) continue;
      const known = runs.get(row.run) || {
        run: row.run,
        messages: 0,
        first: row.created_at,
        last: row.created_at,
        states: new Map(),
      };
      known.messages += 1;
      known.first = row.created_at;
      known.states.set(row.last_event, (known.states.get(row.last_event) || 0) + 1);
      runs.set(row.run, known);
    }
    more = page.has_more;
    if (!more) break;
    after = page.next;
  }
  return { runs: [...runs.values()], more };
}

export default async function runsPage() {
  const place = h('div');
  /** @param {string} run */
  async function drop(run) {
    const sure = await confirm({
      title: `Delete the mail of ${run}?`,
      action: 'Delete the run',
      text: h('p', 'Its messages are gone, queued or captured; their events stay for their time.'),
    });
    if (!sure) return;
    let deleted = 0;
    let after;
    do {
      /** @type {any} */
      const page = await api('DELETE', at`/v1/test/runs/${run}`, { query: { after } });
      deleted += page.deleted;
      after = page.has_more ? page.next : null;
    } while (after);
    say(`${counted(deleted, 'message')} deleted`);
    await draw();
  }
  async function draw() {
    const { runs, more } = await recentRuns();
    fill(
      place,
      runs.length
        ? card(
            counted(runs.length, 'run'),
            more ? h('span.soft.small', `of the latest ${number(PAGES * 100)} test messages`) : null,
            table(
              'Test runs',
              ['Run', ['Messages', 'number'], 'Outcomes', 'Last message', ['', 'right']],
              runs.map((run) => [
                h('a', { href: link('/messages', { run: run.run }) }, h('code', run.run)),
                number(run.messages),
                h(
                  '.outcomes',
                  [...run.states].map(([name, count]) =>
                    h(
                      'a.plain-link',
                      { href: link('/messages', { run: run.run, status: name }) },
                      state(name, `${number(count)} ${state(name).textContent?.toLowerCase()}`),
                    ),
                  ),
                ),
                time(run.last),
                actionButton('Delete', () => drop(run.run), { kind: 'small quiet', title: `Delete the run ${run.run}` }),
              ]),
            ),
          )
        : h(
            '.card',
            empty(
              'runs',
              'No test run yet',
              h(
                'p',
                'Give a test key any AUTH user name, such as ',
                h('code', 'ci-4711'),
                ' (over HTTP the field ',
                h('code', 'run'),
                '): the messages with one name are a run, and your tests find their own again.',
              ),
              h('.actions', h('a.button', { href: '#/start' }, 'Lines to copy')),
            ),
          ),
    );
  }
  await draw();
  /** @type {any} */
  let timer = 0;
  const stop = onEvent((event) => {
    if (event.data?.test && !timer && !place.contains(document.activeElement))
      timer = setTimeout(() => {
        timer = 0;
        draw().catch((error) => fill(place, failure(error, draw)));
      }, REFRESH_MILLISECONDS);
  });
  return {
    element: h(
      'div',
      pageHead({ title: 'Test runs', sub: 'Test messages that belong together, by the user name of AUTH or the field “run”.' }),
      place,
    ),
    title: 'Test runs',
    leave: () => {
      stop();
      clearTimeout(timer);
    },
  };
}
