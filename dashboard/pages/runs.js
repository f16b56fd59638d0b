// Test runs: an inbox for each job of a pipeline, made by the user name of AUTH or beforehand, with a script and a clock.

import { h, fill } from '../lib/dom.js';
import { api, at, get, post } from '../lib/api.js';
import { card, empty, pageHead, table } from '../lib/parts.js';
import { counted, number } from '../lib/format.js';
import { time } from '../lib/time.js';
import { actionButton, failure, field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { onEvent } from '../lib/live.js';
import { link, navigate } from '../lib/router.js';
import { say } from '../lib/toast.js';

const REFRESH_MILLISECONDS = 2000;
const OWN_SCRIPT = 'own';
const EXAMPLE = `[[rules]]
stage = "delivery"
to = "*@example.org"
attempt = "1-2"
reply = "451 4.7.1 Greylisted"
`;

/**
 * False: it stays.
 * @param {string} run
 */
export async function dropRun(run) {
  const sure = await confirm({
    title: `Delete the mail of ${run}?`,
    action: 'Delete the run',
    text: h('p', 'Its messages are gone, queued or captured; their events stay for their time.'),
  });
  if (!sure) return false;
  let deleted = 0;
  let after;
  do {
    /** @type {any} */
    const page = await api('DELETE', at`/v1/test/runs/${run}`, { query: { after } });
    deleted += page.deleted;
    after = page.has_more ? page.next : null;
  } while (after);
  say(`${counted(deleted, 'message')} deleted`);
  return true;
}

async function newRun() {
  const library = (await get('/v1/test/scripts')).data;
  const run = field({
    label: 'Name',
    name: 'run',
    mono: true,
    maxlength: 64,
    placeholder: 'ci-4711',
    hint: 'What the application gives as the user name of AUTH. Empty: one is made up.',
  });
  const label = field({ label: 'Label', name: 'label', maxlength: 200, placeholder: 'for people' });
  const script = field({
    label: 'Script',
    name: 'script',
    options: [
      ['', 'None: all goes well'],
      ...library.map((/** @type {any} */ one) => [one.name, `${one.name}: ${one.description}`]),
      [OWN_SCRIPT, 'One of my own …'],
    ],
  });
  const own = field({
    label: 'Rules',
    name: 'rules',
    type: 'textarea',
    rows: 8,
    mono: true,
    required: true,
    value: EXAMPLE,
    hint: 'TOML or JSON. The first rule that fits decides.',
  });
  const ends = field({
    label: 'Ends with its mail after',
    name: 'ends',
    options: [
      ['3600', '1 hour'],
      ['14400', '4 hours'],
      ['86400', '1 day'],
      ['604800', '7 days'],
    ],
  });
  const clock = field({
    label: 'A clock of its own',
    name: 'clock',
    type: 'checkbox',
    hint: 'It stands still until somebody moves it: days of retries in a second.',
  });
  function follow() {
    own.element.hidden = script.value() !== OWN_SCRIPT;
    own.input.disabled = script.value() !== OWN_SCRIPT;
  }
  script.input.addEventListener('change', follow);
  follow();
  const dialog = openDialog(
    { title: 'A test run' },
    form({
      action: 'Make the run',
      cancel: () => dialog.close(),
      also: [label, ends],
      fields: [run, h('.fields.two', label.element, ends.element), script, own, clock],
      submit: async (values) => {
        const chosen = values.script === OWN_SCRIPT ? values.rules : values.script;
        const made = await post('/v1/test/runs', {
          ...(values.run.trim() ? { run: values.run.trim() } : {}),
          ...(values.label.trim() ? { label: values.label.trim() } : {}),
          ...(chosen ? { script: chosen } : {}),
          clock: values.clock,
          expires_in_seconds: Number(values.ends),
        });
        dialog.close();
        navigate(link(`/runs/${encodeURIComponent(made.run)}`));
      },
    }),
  );
}

/** @param {any} run */
function row(run) {
  return [
    [
      h('a', { href: link(`/runs/${encodeURIComponent(run.run)}`) }, h('code', run.run)),
      run.label ? h('.soft.small', run.label) : null,
    ],
    number(run.messages),
    run.script || h('span.soft', '–'),
    run.clock ? time(run.clock, 'brief') : h('span.soft', 'everybody’s'),
    time(run.last_message_at, 'relative', 'none yet'),
    time(run.expires_at, 'relative', 'with its mail'),
  ];
}

export default async function runsPage() {
  const place = h('div');
  /** @type {any[]} */
  let rows = [];

  /** @param {string} run */
  async function drop(run) {
    if (await dropRun(run)) await load();
  }
  async function load() {
    rows = (await get('/v1/test/runs')).data;
    draw();
  }
  function draw() {
    fill(
      place,
      rows.length
        ? card(
            counted(rows.length, 'run'),
            null,
            table(
              'Test runs',
              ['Run', ['Messages', 'number'], 'Script', 'Clock', 'Last message', 'Ends', ['', 'right']],
              rows.map((run) => [
                ...row(run),
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
                '): the messages with one name are a run, and your tests find their own again. One that is made beforehand may have a script of failures and a clock.',
              ),
              h(
                '.actions',
                h('a.button', { href: '#/start' }, 'Lines to copy'),
                actionButton('New run', newRun, { kind: 'primary' }),
              ),
            ),
          ),
    );
  }
  await load();
  /** @type {any} */
  let timer = 0;
  const stop = onEvent((event) => {
    if (event.data?.test && !timer && !place.contains(document.activeElement))
      timer = setTimeout(() => {
        timer = 0;
        load().catch((error) => fill(place, failure(error, load)));
      }, REFRESH_MILLISECONDS);
  });
  return {
    element: h(
      'div',
      pageHead({
        title: 'Test runs',
        sub: 'Test messages that belong together, by the user name of AUTH or the field “run”.',
        actions: actionButton('New run', newRun, { icon: 'plus', kind: 'primary' }),
      }),
      place,
    ),
    title: 'Test runs',
    keys: [{ keys: 'n', says: 'A new run', run: () => void newRun() }],
    leave: () => {
      stop();
      clearTimeout(timer);
    },
  };
}
