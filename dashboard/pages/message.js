// One message: what was sent, to whom, and what became of it.

import { h, fill } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { address, all, api, at, get, post, Problem } from '../lib/api.js';
import { onEvent } from '../lib/live.js';
import { card, environmentTag, factList, notice, pageHead, segments, state, tabs } from '../lib/parts.js';
import { counted, octets, shellWord, words } from '../lib/format.js';
import { exact, time, utc } from '../lib/time.js';
import { copyable, copyText } from '../lib/copy.js';
import { actionButton, failure } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { link, here, rewrite, navigate } from '../lib/router.js';
import { say } from '../lib/toast.js';
import { isDark } from '../lib/theme.js';
import { me } from '../lib/session.js';
import { checksOf } from '../lib/checks.js';
import { chooseKey } from '../lib/acting-key.js';

const MOST_SOURCE = 512 * 1024; // characters shown; the rest is in the file
const WAITING = new Set(['queued', 'scheduled', 'delivery_delayed']);

/**
 * Where something may be gone, or not be there yet.
 * @param {Promise<any>} promise
 * @param {any} otherwise
 */
function orElse(promise, otherwise) {
  return promise.catch((error) => {
    if (error instanceof Problem && (error.status === 404 || error.status === 405)) return otherwise;
    throw error;
  });
}

/**
 * Made when it is shown, with a word while it loads.
 * @param {() => Promise<any>} make
 */
function later(make) {
  const place = h('div', { 'aria-busy': 'true' }, h('p.soft', 'Loading…'));
  const run = () =>
    make()
      .then(
        (content) => fill(place, content),
        (error) => fill(place, failure(error, run)),
      )
      .finally(() => place.removeAttribute('aria-busy'));
  run();
  return place;
}

/** @param {any} email */
function gone(email) {
  return notice(
    'info',
    h(
      'p',
      email.environment === 'test'
        ? 'The content is not kept any more; a test message’s is kept until its retention ends.'
        : 'The content is not kept any more: a live message’s is dropped when its last recipient is settled. Its record and events stay.',
    ),
  );
}

// Preview

/** @param {any} email */
function preview(email) {
  if (email.html === null && email.text === null) return gone(email);
  let part = email.html !== null ? 'html' : 'text';
  let width = 'full';
  let scheme = isDark() ? 'dark' : 'light';
  let images = 'blocked';
  const stage = h('.preview-stage');
  const allow = h('button.small', {
    type: 'button',
    on: {
      click: () => {
        images = images === 'blocked' ? 'allowed' : 'blocked';
        draw();
      },
    },
  });
  // A frame is made anew for each address: one that moves on would fill the browser's history.
  function draw() {
    const src = address(at`/v1/emails/${email.id}/preview`, { part, images, scheme });
    fill(
      stage,
      later(async () => {
        const shown = await orElse(api('HEAD', src, { text: true }), null);
        if (shown === null) return gone(email);
        return h('iframe', { sandbox: '', title: 'The message as its reader sees it', referrerpolicy: 'no-referrer', src });
      }),
    );
    resize();
    allow.textContent = images === 'blocked' ? 'Load remote images' : 'Block remote images';
    allow.title = 'Your browser asks the servers that the message names, and they see that it was opened.';
    allow.hidden = part !== 'html';
  }
  function resize() {
    stage.className = `preview-stage ${width}`;
    if (stage.firstElementChild) stage.firstElementChild.className = `preview-frame ${width} ${scheme}`;
  }
  draw();
  return [
    h(
      '.preview-tools',
      email.html !== null && email.text !== null
        ? segments(
            'Part',
            [
              ['html', 'HTML'],
              ['text', 'Text'],
            ],
            part,
            (id) => {
              part = id;
              draw();
            },
          )
        : null,
      segments(
        'Width',
        [
          ['phone', [icon('phone'), h('span.hidden-words', 'Phone, 375 pixels')]],
          ['tablet', [icon('tablet'), h('span.hidden-words', 'Tablet, 768 pixels')]],
          ['full', [icon('screen'), h('span.hidden-words', 'Full width')]],
        ],
        width,
        (id) => {
          width = id;
          resize();
        },
      ),
      segments(
        'Colours of the message',
        [
          ['light', [icon('sun'), h('span.hidden-words', 'Light')]],
          ['dark', [icon('moon'), h('span.hidden-words', 'Dark')]],
        ],
        scheme,
        (id) => {
          scheme = id;
          draw();
        },
      ),
      h('span.spacer'),
      allow,
    ),
    stage,
  ];
}

// Text, headers, source

/** @param {any} email */
function text(email) {
  if (email.text === null)
    return email.html === null ? gone(email) : notice('info', h('p', 'The message has no plain-text part.'));
  return h('pre.source', { tabindex: '0', role: 'region', 'aria-label': 'Text of the message' }, email.text);
}

/**
 * The fields as they stand in the source.
 * @param {string} raw
 */
export function readFields(raw) {
  const head = raw.split(/\r?\n\r?\n/, 1)[0];
  /** @type {{name: string, value: string, decoded?: string}[]} */
  const fields = [];
  for (const line of head.split(/\r?\n/)) {
    const last = fields[fields.length - 1];
    if (/^[ \t]/.test(line) && last) last.value += ` ${line.trim()}`;
    else if (line.includes(':'))
      fields.push({ name: line.slice(0, line.indexOf(':')), value: line.slice(line.indexOf(':') + 1).trim() });
  }
  return fields;
}

/**
 * @param {any} email
 * @param {() => Promise<any[] | null>} fields
 */
function headers(email, fields) {
  return later(async () => {
    const list = await fields();
    if (!list) return gone(email);
    return h(
      'dl.header-list',
      list.map((f) => [
        h('dt', f.name),
        h('dd', f.decoded && f.decoded !== f.value ? [f.decoded, h('span.soft', `\n${f.value}`)] : f.value),
      ]),
    );
  });
}

/**
 * @param {any} email
 * @param {() => Promise<string | null>} source
 */
function sourceTab(email, source) {
  return later(async () => {
    const raw = await source();
    if (raw === null) return gone(email);
    return h(
      '.stack',
      h(
        '.actions',
        h('a.button', { href: at`/v1/emails/${email.id}/raw`, download: `${email.id}.eml` }, icon('down'), 'Download .eml'),
        actionButton(
          'Copy',
          async () => {
            if (await copyText(raw)) say('Copied the source');
          },
          { icon: 'copy' },
        ),
        h('span.soft', octets(new Blob([raw]).size)),
      ),
      raw.length > MOST_SOURCE
        ? notice('info', h('p', `The first ${octets(MOST_SOURCE)} are shown; the file has all of it.`))
        : null,
      h('pre.source', { tabindex: '0', role: 'region', 'aria-label': 'Source of the message' }, raw.slice(0, MOST_SOURCE)),
    );
  });
}

/**
 * A name that a mail made up, with what only pretends to be its ending made visible.
 * @param {string} name
 */
function safeName(name) {
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '\u2423');
}

/** @param {any} email */
function attachments(email) {
  return later(async () => {
    const list = await orElse(get(at`/v1/emails/${email.id}/attachments`), null);
    if (!list) return gone(email);
    if (!list.data.length) return h('p.soft', 'The message has no attachments.');
    return h(
      'ul.recipients',
      list.data.map((/** @type {any} */ a, /** @type {number} */ i) =>
        h(
          'li',
          h(
            '.line',
            h(
              'div',
              h('strong', safeName(a.filename || `attachment ${i + 1}`)),
              h(
                'p.soft.small',
                `${safeName(a.content_type)} · ${octets(a.size)}`,
                a.content_disposition === 'inline' ? ' · shown within the message' : '',
              ),
            ),
            h(
              'a.button',
              { href: at`/v1/emails/${email.id}/attachments/${a.id}/content`, download: `${email.id}-${i + 1}.bin` },
              icon('down'),
              'Download',
              h('span.hidden-words', ` attachment ${i + 1}`),
            ),
          ),
        ),
      ),
      h('li', h('p.soft.small', 'A file is saved under a name of ours: what the sender called it is not to be trusted.')),
    );
  });
}

/** @param {string | null} host */
function isMixed(host) {
  return Boolean(host && /(^|\.)xn--/.test(host));
}

/** @param {any} email */
function links(email) {
  return later(async () => {
    const list = await orElse(get(at`/v1/emails/${email.id}/links`), null);
    if (!list) return gone(email);
    if (!list.data.length) return h('p.soft', 'The message has no links.');
    return h(
      '.stack',
      h(
        'p.soft',
        `${counted(list.data.length, 'link')}. Nothing of it is fetched, and none can be followed from here by accident: copy what you want to open.`,
      ),
      h(
        'ul.recipients',
        list.data.map((/** @type {any} */ l) =>
          h(
            'li',
            h('.line', copyable(l.url, 'the link'), h('span.tag', l.element)),
            l.text && l.text !== l.url ? h('p.soft.small', 'reads “', l.text, '”') : null,
            isMixed(l.host)
              ? h('p.state.warn', icon('warn'), `The host is ${l.host}: letters of another alphabet may imitate a known name.`)
              : null,
            disguised(l) ? h('p.state.warn', icon('warn'), 'The text shows another address than the one it leads to.') : null,
          ),
        ),
      ),
    );
  });
}

/**
 * The text looks like an address of another host.
 * @param {any} l
 */
function disguised(l) {
  const shown = /^(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,})(?:[/:?#]|$)/i.exec((l.text || '').trim());
  const host = /^https?:\/\/(?:[^/@]*@)?([^/:?#]+)/i.exec(l.url || '');
  return Boolean(shown && host && shown[1].toLowerCase().replace(/^www\./, '') !== host[1].toLowerCase().replace(/^www\./, ''));
}

/**
 * @param {any} email
 * @param {() => Promise<any[] | null>} fields @param {() => Promise<any[]>} events
 */
function checks(email, fields, events) {
  return later(async () => {
    const list = await fields();
    if (!list) return gone(email);
    const warnings = (await events()).map((event) => event.data?.warnings).filter(Boolean);
    const own = h('ul.checks', checksOf(email, list, warnings).map(checkLine));
    return email.run && email.message_id ? h('.stack', own, h('p', h('strong', 'What mail readers hold against it')), readersChecks(email)) : own;
  });
}

/** @param {import('../lib/checks.js').Check} check */
function checkLine(check) {
  return h(
    'li',
    { class: check.kind },
    icon(check.kind === 'good' ? 'check' : check.kind === 'calm' ? 'info' : 'warn'),
    h('div', h('strong', check.title), h('p.soft', check.text)),
  );
}

/**
 * Form, HTML that clients drop, links, attachments: what the test lab finds.
 * @param {any} email
 */
function readersChecks(email) {
  return later(async () => {
    const said = await orElse(post(at`/v1/test/runs/${email.run}/check`, { message_id: email.message_id }), null);
    if (!said) return gone(email);
    if (!said.findings.length) return h('ul.checks', checkLine({ kind: 'good', title: 'Nothing', text: 'No check of the test lab found a fault.' }));
    return h(
      'ul.checks',
      said.findings.map((/** @type {any} */ one) =>
        checkLine({ kind: one.severity === 'fault' ? 'bad' : 'warn', title: words(one.check), text: one.message }),
      ),
    );
  });
}

/** @param {any} email */
function explain(email) {
  return later(async () => {
    const key = await chooseKey(email.api_key_id);
    const place = h('.stack');
    const ask = async () => {
      const query = key.query();
      if (query) fill(place, explained(email, query));
    };
    return h(
      '.stack',
      h(
        'p.soft',
        'What would the relay do with this sender and these recipients, if the message were sent now? It depends on the key: its From domains, its account’s mode and whitelist. Nothing is sent.',
      ),
      h('.ask-line', key.element, key.query() ? h('.actions', actionButton('Ask', ask, { kind: 'primary' })) : null),
      place,
    );
  });
}

/**
 * @param {any} email
 * @param {Record<string, string>} query
 */
function explained(email, query) {
  return later(async () => {
    const said = await api('POST', '/v1/explain', {
      query,
      body: { from: email.from, to: [...email.to, ...email.cc, ...email.bcc].slice(0, 50) },
    });
    return h(
      '.stack',
      h(
        'ul.recipients',
        said.recipients.map((/** @type {any} */ r) =>
          h(
            'li',
            h(
              '.line',
              h('code', r.email),
              h(
                `span.state.${r.verdict === 'refuse' ? 'bad' : r.verdict === 'suppress' ? 'warn' : 'good'}`,
                h('span.dot'),
                words(r.verdict),
              ),
            ),
            h('p', r.message || ''),
            h(
              'p.soft.small',
              'Rule: ',
              h('code', r.rule),
              r.route?.name ? [' · route ', h('code', r.route.name)] : null,
              r.name ? [' · ', h('code', r.name)] : null,
            ),
          ),
        ),
      ),
    );
  });
}

// What was said to next hops

/** @type {Record<string, string>} */
const SPEAKERS = { relay: 'Relay', next_hop: 'Next hop', note: '' };

/**
 * @param {any} dialogue
 * @param {number} i
 */
function spoken(dialogue, i) {
  return h(
    'section.dialogue',
    { 'aria-label': `Attempt ${i + 1}` },
    h('p', h('strong', h('code', dialogue.remote || 'no server')), ' ', h('span.soft', time(dialogue.at, 'exact'))),
    h(
      'ol',
      { tabindex: '0', 'aria-label': 'What was said' },
      dialogue.lines.map((/** @type {any} */ line) =>
        h('li', { class: line.by }, h('span.by', SPEAKERS[line.by] ?? line.by), h('code', line.text)),
      ),
    ),
  );
}

/** @param {any} email */
function dialogues(email) {
  return later(async () => {
    const { data } = await orElse(get(at`/v1/emails/${email.id}/dialogues`), { data: [] });
    if (data.length)
      return h('.stack', data.map(spoken), h('p.soft.small', 'Content and credentials are left out. The last attempts of an account are kept for three days, and end with the server.'));
    return notice(
      'info',
      h(
        'p',
        email.environment === 'test'
          ? 'A test message speaks to no mail server: what becomes of it is made up.'
          : 'Nothing is kept: there was no attempt yet, or it was too long ago. What the next hop said last stands beside the recipient.',
      ),
    );
  });
}

// What happened

/** @param {any} event */
function happening(event) {
  const { data } = event;
  const type = event.type.replace('email.', '');
  const status = data.status;
  const line = status ? `${status.code}${status.enhanced ? ` ${status.enhanced}` : ''} ${status.text}` : '';
  const reason = data.bounce?.message || data.failed?.reason || data.suppressed?.reason || data.reason || '';
  const about = data.class || data.bounce?.class || data.failed?.class || '';
  const date = new Date(event.created_at);
  return h(
    'li',
    state(type),
    h(
      'p',
      data.recipient ? h('code', data.recipient) : null,
      data.remote ? [h('span.soft', ' at '), h('code', data.remote)] : null,
      data.scheduled_at ? ['until ', time(data.scheduled_at, 'exact')] : null,
      data.notification_id ? h('a', { href: link(`/messages/${data.notification_id}`) }, 'the report') : null,
    ),
    h('time', { datetime: event.created_at, title: utc(date) }, exact(date)),
    line ? h('.said', line) : null,
    reason && !line.includes(reason) ? h('.said', reason) : null,
    about ? h('p.soft.small', 'It was about: ', words(about)) : null,
    data.warnings ? h('.said', data.warnings) : null,
  );
}

/** @param {any} r */
function recipientLine(r) {
  return h(
    'li',
    h('.line', h('code', r.email), state(r.status)),
    h(
      'p.soft.small',
      counted(r.attempts, 'attempt'),
      r.remote ? [' · ', r.remote] : null,
      r.next_attempt_at ? [' · next ', time(r.next_attempt_at)] : null,
    ),
    r.last_status ? h('p.small', h('code', r.last_status)) : null,
  );
}

/**
 * @param {any} email
 * @param {string} token
 */
function asCurl(email, token) {
  const body = {
    from: email.from,
    to: email.to,
    ...(email.cc.length ? { cc: email.cc } : {}),
    ...(email.bcc.length ? { bcc: email.bcc } : {}),
    ...(email.reply_to.length ? { reply_to: email.reply_to } : {}),
    subject: email.subject,
    ...(email.html !== null ? { html: email.html } : {}),
    ...(email.text !== null ? { text: email.text } : {}),
    ...(email.tags.length ? { tags: email.tags } : {}),
  };
  return `curl ${shellWord(`${location.origin}/v1/emails`)} \\\n  -H "Authorization: Bearer ${token}" \\\n  -H 'Content-Type: application/json' \\\n  -d ${shellWord(JSON.stringify(body))}`;
}

/** @param {any} email */
async function resendDialog(email) {
  const to = me().user?.email;
  const key = await chooseKey(email.api_key_id);
  const dialog = openDialog(
    { title: 'Send it to yourself', kind: 'narrow' },
    h(
      '.dialog-body',
      h(
        'p',
        'A copy with the same subject and content goes to ',
        h('code', to),
        ', without the attachments. It is a message like any other: it is counted, and the sandbox’s rules hold for it.',
      ),
      key.element,
    ),
    h(
      'footer',
      h('button', { type: 'button', on: { click: () => dialog.close() } }, 'Cancel'),
      key.query()
        ? actionButton(
            'Send it',
            async () => {
              const sent = await api('POST', '/v1/emails', {
                query: key.query() || {},
                body: {
                  from: email.from,
                  to: [to],
                  subject: email.subject || '(no subject)',
                  ...(email.html !== null ? { html: email.html } : {}),
                  ...(email.text !== null ? { text: email.text } : {}),
                },
              });
              dialog.close();
              say('Sent');
              navigate(link(`/messages/${sent.id}`));
            },
            { kind: 'primary' },
          )
        : null,
    ),
  );
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function message({ params: [id], query }) {
  let email = await get(at`/v1/emails/${id}`);
  /** @type {Promise<string | null> | null} */
  let raw = null;
  /** @type {Promise<any[] | null> | null} */
  let known = null;
  const source = () => (raw ||= orElse(api('GET', at`/v1/emails/${id}/raw`, { text: true }), null));
  const fields = () =>
    (known ||= orElse(
      get(at`/v1/emails/${id}/headers`).then((page) => page.data),
      null,
    ).then(async (list) => list || (await source().then((octets) => octets && readFields(octets)))));
  const events = () => orElse(all(at`/v1/emails/${id}/events`), []);

  const badge = h('span');
  const recipients = h('ul.recipients');
  const timeline = h('ul.timeline');
  const actions = h('.actions');

  function draw() {
    fill(badge, state(email.last_event));
    fill(recipients, email.recipients.map(recipientLine));
    const waits = email.recipients.some((/** @type {any} */ r) => r.status === 'pending') && WAITING.has(email.last_event);
    fill(
      actions,
      waits
        ? actionButton(
            'Try now',
            async () => {
              await post(at`/v1/emails/${id}/retry`);
              say('Tried at once');
              await refresh();
            },
            { icon: 'refresh' },
          )
        : null,
      waits ? actionButton('Cancel', cancel, { kind: 'danger' }) : null,
      me().user && (email.html !== null || email.text !== null)
        ? actionButton('Send to me', () => resendDialog(email), { icon: 'messages' })
        : null,
      actionButton(
        'Copy as curl',
        async () => {
          if (await copyText(asCurl(email, '$POSTERN_KEY'))) say('Copied as a curl command');
        },
        { icon: 'copy' },
      ),
    );
  }
  async function cancel() {
    const sure = await confirm({
      title: 'Cancel this message?',
      action: 'Cancel the message',
      text: [
        h('p', 'Recipients that already got it keep it. To the others it is not sent any more.'),
        h('p.soft', 'This cannot be taken back.'),
      ],
    });
    if (!sure) return;
    await post(at`/v1/emails/${id}/cancel`);
    say('Cancelled');
    await refresh();
  }
  async function refresh() {
    const [now, list] = await Promise.all([get(at`/v1/emails/${id}`), events()]);
    email = now;
    draw();
    fill(timeline, list.length ? list.map(happening) : h('li.soft', 'Its events are not kept any more.'));
  }
  /** @type {any} */
  let timer = 0;
  const stop = onEvent((event) => {
    if (event.data?.email_id === id && !timer)
      timer = setTimeout(() => {
        timer = 0;
        refresh().catch(() => {});
      }, 300);
  });
  draw();
  refresh().catch((error) => fill(timeline, failure(error)));

  const body = tabs(
    'Parts of the message',
    [
      { id: 'preview', title: 'Preview', make: () => preview(email) },
      { id: 'text', title: 'Text', make: () => text(email) },
      { id: 'headers', title: 'Headers', make: () => headers(email, fields) },
      { id: 'source', title: 'Source', make: () => sourceTab(email, source) },
      { id: 'attachments', title: 'Attachments', make: () => attachments(email) },
      { id: 'links', title: 'Links', make: () => links(email) },
      { id: 'checks', title: 'Checks', make: () => checks(email, fields, events) },
      { id: 'dialogue', title: 'Dialogue', make: () => dialogues(email) },
      { id: 'explain', title: 'Explain', make: () => explain(email) },
    ],
    query.get('tab') || 'preview',
    (tab) => rewrite(link(`/messages/${id}`, { ...Object.fromEntries(here().query), tab: tab === 'preview' ? '' : tab })),
  );

  const element = h(
    '.message',
    pageHead({ title: email.subject || '(no subject)', up: ['/messages', 'Messages'], badge, actions }),
    h(
      '.columns.aside',
      h('section.card', { 'aria-label': 'Content' }, body),
      h(
        'div',
        card('Recipients', null, h('.card-body', recipients)),
        card('What happened', null, h('.card-body', timeline)),
        card(
          'Envelope',
          null,
          h(
            '.card-body',
            factList([
              ['From', email.from],
              ['To', email.to.join(', ')],
              ['Cc', email.cc.join(', ')],
              ['Bcc', email.bcc.join(', ')],
              ['Reply to', email.reply_to.join(', ')],
              ['Accepted', time(email.created_at, 'exact')],
              ['Scheduled', email.scheduled_at ? time(email.scheduled_at, 'exact') : null],
              ['Environment', environmentTag(email.environment)],
              ['Key', email.api_key_id ? h('a', { href: link(`/keys/${email.api_key_id}`) }, h('code', email.api_key_id)) : null],
              ['Run', email.run ? h('a', { href: link(`/runs/${encodeURIComponent(email.run)}`) }, email.run) : null],
              [
                'Tags',
                email.tags.length
                  ? h(
                      '.tags',
                      email.tags.map((/** @type {any} */ t) =>
                        h('a.tag', { href: link('/messages', { tag: `${t.name}:${t.value}` }) }, `${t.name}: ${t.value}`),
                      ),
                    )
                  : null,
              ],
              ['Content kept', email.content_until ? ['until ', time(email.content_until, 'exact')] : null],
              ['Message-ID', email.message_id ? copyable(email.message_id, 'the Message-ID') : null],
              ['Id', copyable(email.id, 'the id')],
            ]),
          ),
        ),
      ),
    ),
  );
  return {
    element,
    title: email.subject || 'Message',
    leave: () => {
      stop();
      clearTimeout(timer);
    },
  };
}
