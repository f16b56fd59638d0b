// One test run: its messages with the codes and links in them, what is expected of them, its script, its journal, its clock.

import { h, fill } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { at, get, post } from '../lib/api.js';
import { card, empty, factList, messageLink, pageHead, state, table, tabs } from '../lib/parts.js';
import { counted, number, shellWord, someOf } from '../lib/format.js';
import { exact, time } from '../lib/time.js';
import { codeBlock, copyable, copyButton, download } from '../lib/copy.js';
import { actionButton, failure, field, form } from '../lib/form.js';
import { openDialog } from '../lib/dialog.js';
import { onEvent } from '../lib/live.js';
import { here, link, navigate, rewrite } from '../lib/router.js';
import { dropRun } from './runs.js';

const REFRESH_MILLISECONDS = 1000;
const TYPING_MILLISECONDS = 250;
const MOST_LINKS = 3; // of one message in the list; its page has all
const MOST_HAPPENINGS = 500;
const HOUR = 3600;
const DAY = 24 * HOUR;

/**
 * Seconds of a run's clock.
 * @param {number} seconds
 */
export function elapsed(seconds) {
  const whole = Math.round(seconds);
  const days = Math.floor(whole / DAY);
  const hours = Math.floor((whole % DAY) / HOUR);
  const minutes = Math.floor((whole % HOUR) / 60);
  const rest = whole % 60;
  if (days) return `${days} d ${hours} h ${minutes} min`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

/**
 * The request of a test that asks the same.
 * @param {string} run @param {string} question @param {any} body
 */
function asCurl(run, question, body) {
  const where = shellWord(`${location.origin}/v1/test/runs/${encodeURIComponent(run)}/${question}`);
  return `curl ${where} \\\n  -H "Authorization: Bearer $POSTERN_KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d ${shellWord(JSON.stringify(body))}`;
}

// Messages

/** @param {any} mail */
function takenOut(mail) {
  const { codes, links, unsubscribe } = mail;
  return [
    codes.map((/** @type {any} */ one) =>
      h('.found', h('span.soft.small', 'Code'), copyable(one.code, `the code ${one.code}`), h('span.soft.small', one.line)),
    ),
    links
      .slice(0, MOST_LINKS)
      .map((/** @type {any} */ one) =>
        h('.found', h('span.soft.small', 'Link'), copyable(one.url, 'the link'), one.text ? h('span.soft.small', one.text) : null),
      ),
    links.length > MOST_LINKS
      ? h('.found', h('a.small', { href: link(`/messages/${mail.id}`, { tab: 'links' }) }, `All ${number(links.length)} links`))
      : null,
    unsubscribe.addresses.length
      ? h(
          '.found',
          h('span.soft.small', 'Unsubscribe'),
          h('span.small', unsubscribe.one_click ? 'by one click, as RFC 8058 has it' : 'not by one click'),
        )
      : null,
  ];
}

/** @param {any} mail */
function mailLine(mail) {
  return h(
    'li.record',
    h(
      '.record-head',
      h('strong', messageLink(mail.id, mail.subject || '(no subject)')),
      mail.kind === 'notice' ? h('span.tag', 'notice') : null,
      h('span.push', state(mail.last_event)),
    ),
    h('p.soft.small', 'to ', someOf([...mail.to, ...mail.cc, ...mail.bcc], 3), ' · ', time(mail.created_at)),
    takenOut(mail),
  );
}

/** @param {any} answer */
function near(answer) {
  if (!answer.near_misses.length) return null;
  return h(
    '.card-body',
    h('p.soft', 'What comes near:'),
    table(
      'What comes near',
      ['Message', 'To', 'Differs in'],
      answer.near_misses.map((/** @type {any} */ miss) => [
        messageLink(miss.id, miss.subject || '(no subject)'),
        someOf(miss.to, 2),
        h('code', miss.differs_in),
      ]),
    ),
  );
}

/**
 * @param {string} run
 * @returns {{element: HTMLElement, refresh: () => void}}
 */
function messages(run) {
  const place = h('div');
  const to = field({ label: 'Recipient', name: 'to', placeholder: 'ann@example.org or *@example.org' });
  const subject = field({ label: 'Subject has', name: 'subject' });
  const kind = field({
    label: 'What',
    name: 'kind',
    options: [
      ['mail', 'The application’s mail'],
      ['notice', 'Bounces and notices about it'],
    ],
  });
  const question = () => ({
    ...(to.value().trim() ? { to: to.value().trim() } : {}),
    ...(subject.value().trim() ? { subject: subject.value().trim() } : {}),
    ...(kind.value() === 'notice' ? { kind: 'notice' } : {}),
  });
  let asked = 0;
  async function load() {
    const visit = ++asked;
    try {
      const answer = await post(at`/v1/test/runs/${run}/wait`, { ...question(), timeout_seconds: 0 });
      if (visit !== asked) return;
      fill(
        place,
        answer.met
          ? [
              answer.count > answer.data.length
                ? h('p.soft', `The first ${number(answer.data.length)} of ${number(answer.count)}.`)
                : null,
              h('ul', answer.data.reverse().map(mailLine)),
            ]
          : [
              empty(
                'messages',
                'No such mail',
                h('p', answer.near_misses.length ? 'The run has none like that yet.' : 'The run has none yet.'),
                h('p', 'What comes is here at once.'),
              ),
              near(answer),
            ],
      );
    } catch (error) {
      if (visit === asked) fill(place, failure(error, load));
    }
  }
  let timer = 0;
  for (const one of [to, subject])
    one.input.addEventListener('input', () => {
      clearTimeout(timer);
      timer = window.setTimeout(load, TYPING_MILLISECONDS);
    });
  kind.input.addEventListener('change', load);
  load();
  return {
    element: h(
      '.stack',
      h('.fields.three', to.element, subject.element, kind.element),
      place,
      h(
        'details',
        h('summary', 'The same in a test'),
        h('p.soft', 'The request is held until the run has such mail, and answered then: no polling, no sleeping.'),
        h(
          '.actions',
          copyButton(() => asCurl(run, 'wait', { ...question(), timeout_seconds: 20 }), { label: 'Copy as curl' }),
        ),
      ),
    ),
    refresh: load,
  };
}

// Expectations

/**
 * The message that a difference begins with is named below, where it is the only one.
 * @param {any} verdict @param {string} problem
 */
function about(verdict, problem) {
  const [only, second] = verdict.emails;
  return only && !second && problem.startsWith(`${only}: `) ? problem.slice(only.length + 2) : problem;
}

/** @param {any} verdict */
function verdictLine(verdict) {
  return h(
    'li',
    { class: verdict.passed ? 'good' : 'bad' },
    icon(verdict.passed ? 'check' : 'cross'),
    h(
      'div',
      h('strong', verdict.name),
      h('span.hidden-words', verdict.passed ? ': holds' : ': does not hold'),
      verdict.problems.map((/** @type {string} */ problem) => h('p.difference', about(verdict, problem))),
      verdict.emails.length
        ? h(
            'p.soft.small',
            'Looked at ',
            verdict.emails
              .slice(0, 3)
              .flatMap((/** @type {string} */ id, /** @type {number} */ i) => [i ? ', ' : '', messageLink(id)]),
            verdict.emails.length > 3 ? ` and ${number(verdict.emails.length - 3)} more` : '',
          )
        : null,
    ),
  );
}

/** @param {string} run */
function expectations(run) {
  const kept = `postern.expect.${run}`;
  const place = h('div', { role: 'status' });
  const text = field({
    label: 'What is expected',
    name: 'expect',
    type: 'textarea',
    rows: 12,
    mono: true,
    required: true,
    value: sessionStorage.getItem(kept) || '',
    hint: 'JSON: a list, or {"expect": […]}. Each says which mail it means, how many there are, and what holds of every one of them.',
  });
  text.input.addEventListener('input', () => sessionStorage.setItem(kept, text.value()));
  /** One that holds, to begin with: of the newest mail. */
  async function suggest() {
    const { data } = await post(at`/v1/test/runs/${run}/wait`, { timeout_seconds: 0 });
    const mail = data[data.length - 1];
    const begun = mail
      ? { name: mail.subject, to: mail.to[0], subject: mail.subject, count: 1, ...(mail.codes.length ? { code: true } : {}) }
      : { name: 'sign-up mail', to: 'ann@example.org', subject: 'confirm', count: 1, code: true };
    if (!text.value()) text.input.value = JSON.stringify([begun, { name: 'nothing to others', to: '*@example.edu', count: 0 }], null, 2);
  }
  if (!text.value()) suggest().catch(() => {});

  /** Null: what was typed is no list, and that is said. */
  function typed() {
    try {
      const read = JSON.parse(text.value());
      return Array.isArray(read) ? read : Array.isArray(read.expect) ? read.expect : [read];
    } catch (error) {
      text.wrong(`This is no JSON: ${error instanceof Error ? error.message : error}`);
      text.input.focus();
      return null;
    }
  }
  /**
   * @param {any} answer
   * @param {any[]} expect
   */
  function shown(answer, expect) {
    const held = answer.results.filter((/** @type {any} */ one) => one.passed).length;
    return h(
      '.stack',
      h(
        '.result-head',
        state(answer.passed ? 'verified' : 'failed', answer.passed ? 'All hold' : `${held} of ${answer.results.length} hold`),
        h(
          '.actions.push',
          copyButton(answer.tap, { label: 'Copy as TAP' }),
          copyButton(asCurl(run, 'assert', { expect, timeout_seconds: 20 }), { label: 'Copy as curl' }),
        ),
      ),
      h('ul.checks', answer.results.map(verdictLine)),
    );
  }
  fill(
    place,
    factList([
      ['Which mail', h('code', 'to from subject tag message_id status kind')],
      ['How many', h('code', 'count at_least at_most')],
      ['What people read', h('code', 'text no_text html both_parts code link')],
      ['How it is made', h('code', 'header attachments max_octets sound_lines one_click')],
    ]),
  );
  return h(
    '.columns.even',
    form({
      action: 'Compare',
      fields: [text],
      submit: async () => {
        const expect = typed();
        if (expect) fill(place, shown(await post(at`/v1/test/runs/${run}/assert`, { expect }), expect));
      },
    }),
    place,
  );
}

// Script

/** @type {Record<string, string>} */
const STAGES = {
  auth: 'at AUTH',
  mail: 'at MAIL',
  rcpt: 'at RCPT',
  data: 'at DATA',
  content: 'at the end of the content',
  delivery: 'at the next hop',
};

/** @param {any} rule */
function matching(rule) {
  return [
    rule.to !== undefined ? `to ${rule.to}` : '',
    rule.from !== undefined ? `from ${rule.from || 'the null reverse-path'}` : '',
    rule.attempt ? `attempt ${rule.attempt}` : '',
    rule.message ? `message ${rule.message}` : '',
    rule.above_per_minute !== undefined ? `above ${rule.above_per_minute} a minute` : '',
    rule.chance !== undefined ? `by chance, ${rule.chance}` : '',
    rule.times ? `${counted(rule.times, 'time')} at most` : '',
  ]
    .filter(Boolean)
    .join(', ');
}

/** @param {any} rule */
function doing(rule) {
  return [
    rule.reply ? h('code', rule.reply) : null,
    rule.greylist ? `greylists ${counted(rule.greylist, 'attempt')}` : null,
    rule.delay_ms ? `waits ${number(rule.delay_ms)} ms` : null,
    rule.drop ? `ends the connection (${rule.drop.toUpperCase()})` : null,
    rule.complain ? 'delivers, and then calls it spam' : null,
  ]
    .filter(Boolean)
    .flatMap((part, i) => (i ? [', ', part] : [part]));
}

/** @param {any} journal */
function script(journal) {
  if (!journal.script)
    return empty(
      'runs',
      'No script',
      h('p', 'All goes well in this run, or as the recipients’ scenarios say. One that is made beforehand may have a script.'),
    );
  /** @type {Map<string, number>} */
  const matched = new Map();
  for (const one of journal.matches) matched.set(one.rule, (matched.get(one.rule) || 0) + 1);
  return h(
    '.stack',
    factList([
      ['Name', journal.script.name || 'unnamed'],
      ['Seed', Number.isSafeInteger(journal.seed) ? copyable(String(journal.seed), 'the seed') : null],
    ]),
    table(
      'Rules',
      ['Rule', 'Stage', 'Where', 'What it does', ['Matched', 'number']],
      journal.script.rules.map((/** @type {any} */ rule, /** @type {number} */ i) => {
        const name = rule.name || `rule ${i + 1}`;
        return [name, STAGES[rule.stage] || rule.stage, matching(rule) || 'always', doing(rule), number(matched.get(name) || 0)];
      }),
    ),
    h('details', h('summary', 'As JSON'), codeBlock(JSON.stringify(journal.script, null, 2), 'the script')),
  );
}

// Journal

/**
 * All that happened. Where the run has a time of its own, the rules that matched stand where they did.
 * @param {any} journal
 */
export function happenings(journal) {
  const events = journal.messages.flatMap((/** @type {any} */ mail) =>
    mail.events.map((/** @type {any} */ event) => ({ at: event.at, mail, event })),
  );
  if (journal.clock === null) return events;
  const matches = journal.matches.map((/** @type {any} */ match) => ({ at: match.at, match }));
  return [...matches, ...events].sort((a, b) => Number(a.at) - Number(b.at));
}

/** @param {any} one */
function happening({ at: when, mail, event, match }) {
  const moment = when === null ? null : h('span.soft.small', ` after ${elapsed(Number(when))}`);
  if (match)
    return h(
      'li',
      h('span.state.warn', h('span.dot', { 'aria-hidden': 'true' }), `Rule “${match.rule}”`),
      moment,
      h('p', STAGES[match.stage] || match.stage, match.to ? [' ', h('code', match.to)] : null, `, try ${number(match.attempt)}`),
    );
  return h(
    'li',
    state(event.type.replace('email.', '')),
    moment,
    h('p', mail.subject || '(no subject)', event.recipient ? [' to ', h('code', event.recipient)] : null),
    event.reply ? h('.said', event.reply) : null,
  );
}

/**
 * @param {any} journal
 * @param {string} run
 */
function history(journal, run) {
  const all = happenings(journal);
  if (!all.length) return empty('clock', 'Nothing happened yet', h('p', 'What the run’s mail meets is written down here.'));
  return h(
    '.stack',
    h(
      '.actions',
      h('span.soft', 'The same for the same seed, script and mail.'),
      h(
        'button.push',
        { type: 'button', on: { click: () => download(`${run}.json`, JSON.stringify(journal, null, 2), 'application/json') } },
        icon('down'),
        'Download',
      ),
    ),
    h('ul.timeline', all.slice(0, MOST_HAPPENINGS).map(happening)),
    all.length > MOST_HAPPENINGS ? h('p.soft', `The first ${number(MOST_HAPPENINGS)} are shown; the file has all.`) : null,
  );
}

// Clock

/**
 * @param {any} run as it is now
 * @param {() => Promise<void>} moved
 */
function clockCard(run, moved) {
  const now = h('strong.now');
  const told = h('p.soft', { role: 'status' }, 'It stands still until it is moved, and never goes back.');
  /** @param {any} body */
  async function advance(body) {
    const answer = await post(at`/v1/test/runs/${run.run}/advance`, body);
    run.clock = answer.now;
    const due = answer.next_due
      ? ['; next, something is due at ', time(answer.next_due, 'exact')]
      : '; nothing is due any more';
    fill(
      told,
      `${counted(answer.steps, 'attempt')}, ${counted(answer.events.length, 'event')}`,
      answer.has_more ? ', and more is due: move it again' : due,
      '.',
    );
    draw();
    await moved();
  }
  function draw() {
    fill(now, exact(new Date(run.clock)));
  }
  function move() {
    const amount = field({ label: 'By', name: 'amount', type: 'number', required: true, min: 1, value: '1' });
    const unit = field({
      label: 'Of',
      name: 'unit',
      value: String(DAY),
      options: [
        ['60', 'minutes'],
        [String(HOUR), 'hours'],
        [String(DAY), 'days'],
      ],
    });
    const dialog = openDialog(
      { title: 'Move the clock', kind: 'narrow' },
      form({
        action: 'Move it',
        cancel: () => dialog.close(),
        also: [amount, unit],
        fields: [
          h('p.field.soft', 'All that becomes due on the way is done: attempts, notices, the bounce.'),
          h('.fields.two', amount.element, unit.element),
        ],
        submit: async (values) => {
          await advance({ seconds: Number(values.amount) * Number(values.unit) });
          dialog.close();
        },
      }),
    );
  }
  draw();
  return card(
    'Its clock',
    null,
    h(
      '.card-body',
      h(
        '.run-clock',
        now,
        h(
          '.actions.push',
          actionButton('To what is due next', () => advance({ next: true }), { kind: 'primary' }),
          actionButton('1 hour on', () => advance({ seconds: HOUR })),
          actionButton('1 day on', () => advance({ seconds: DAY })),
          h('button', { type: 'button', on: { click: move } }, 'Move it …'),
        ),
      ),
      told,
    ),
  );
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function runPage({ params: [name], query }) {
  let run = await get(at`/v1/test/runs/${name}`);
  const list = messages(name);
  const facts = h('p.soft');
  const scriptPlace = h('div');
  const historyPlace = h('div');

  function drawFacts() {
    fill(
      facts,
      [
        run.label,
        counted(run.messages, 'message'),
        run.script ? `script ${run.script}` : null,
        run.expires_at ? ['ends ', time(run.expires_at)] : null,
      ]
        .filter(Boolean)
        .flatMap((part, i) => (i ? [' · ', part] : [part])),
    );
  }
  async function readJournal() {
    const journal = await get(at`/v1/test/runs/${name}/journal`);
    fill(scriptPlace, script(journal));
    fill(historyPlace, history(journal, name));
  }
  async function refresh() {
    const clock = run.clock;
    run = await get(at`/v1/test/runs/${name}`);
    // Whoever moves it says what it shows; the answer of somebody else's move comes with the next visit.
    run.clock = clock;
    drawFacts();
    list.refresh();
    await readJournal();
  }
  drawFacts();
  await readJournal();

  /** @type {any} */
  let timer = 0;
  const stop = onEvent((event) => {
    if (event.data?.test && !timer)
      timer = setTimeout(() => {
        timer = 0;
        refresh().catch(() => {});
      }, REFRESH_MILLISECONDS);
  });
  const body = tabs(
    'Parts of the run',
    [
      { id: 'messages', title: 'Messages', make: () => list.element },
      { id: 'expect', title: 'Expectations', make: () => expectations(name) },
      { id: 'script', title: 'Script', make: () => scriptPlace },
      { id: 'journal', title: 'Journal', make: () => historyPlace },
    ],
    query.get('tab') || 'messages',
    (tab) => rewrite(link(here().path, { tab: tab === 'messages' ? '' : tab })),
  );
  return {
    element: h(
      'div',
      pageHead({
        title: h('code', name),
        up: ['/runs', 'Test runs'],
        sub: facts,
        actions: actionButton(
          'Delete',
          async () => {
            if (await dropRun(name)) navigate('#/runs');
          },
          { kind: 'danger' },
        ),
      }),
      run.clock ? clockCard(run, refresh) : null,
      h('section.card', { 'aria-label': 'Parts of the run' }, body),
    ),
    title: name,
    leave: () => {
      stop();
      clearTimeout(timer);
    },
  };
}
