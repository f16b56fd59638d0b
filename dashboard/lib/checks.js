// What a receiver's filter would look at, read off the message's header fields. Each says why it matters and what to do.

/** @typedef {{kind: 'good' | 'warn' | 'bad' | 'calm', title: string, text: string}} Check */

/**
 * The domain of the first address in a field.
 * @param {string} value
 */
export function domainOf(value) {
  const found = /@([^\s<>(),;:"]+)/.exec(value || '');
  return found ? found[1].toLowerCase().replace(/\.$/, '') : '';
}

/**
 * One is the other, or below it.
 * @param {string} a
 * @param {string} b
 */
function aligned(a, b) {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

/**
 * @param {any} email
 * @param {{name: string, value: string, decoded?: string}[]} fields
 * @param {string[]} warnings what the relay said of a test message when it took it
 * @returns {Check[]}
 */
export function checksOf(email, fields, warnings) {
  /** @param {string} name */
  const every = (name) => fields.filter((f) => f.name.toLowerCase() === name);
  /** @param {string} name */
  const first = (name) => every(name)[0]?.value || '';
  /** @type {Check[]} */
  const checks = [];
  /**
   * @param {Check['kind']} kind
   * @param {string} title @param {string} text
   */
  const add = (kind, title, text) => checks.push({ kind, title, text });

  const from = domainOf(first('from'));
  const signers = every('dkim-signature')
    .map((f) => (/(?:^|;)\s*d\s*=\s*([^;\s]+)/.exec(f.value) || [])[1]?.toLowerCase())
    .filter(Boolean);
  if (signers.some((d) => aligned(/** @type {string} */ (d), from)))
    add('good', `Signed with DKIM for ${signers.join(', ')}`, 'The signature is of the domain in From, so DMARC can pass by it.');
  else if (signers.length)
    add(
      'warn',
      `Signed with DKIM for ${signers.join(', ')}`,
      `That is not the domain in From (${from}): DMARC cannot pass by this signature.`,
    );
  else if (email.environment === 'test')
    add(
      'calm',
      'Not signed with DKIM',
      'A test message is signed only where its domain is verified here. A live one from a verified domain is.',
    );
  else
    add(
      'bad',
      'Not signed with DKIM',
      `Large receivers refuse or junk unsigned mail. Add ${from || 'the domain'} under Domains and publish its records.`,
    );

  for (const warning of warnings) add('warn', 'Noted when it was taken', warning);

  if (every('from').length === 1 && from) add('good', 'One From field', `From is of ${from}.`);
  else add('bad', 'From is missing or stands twice', 'RFC 5322 wants it exactly once; many receivers refuse the message.');
  add(
    first('date') ? 'good' : 'bad',
    first('date') ? 'A Date field' : 'No Date field',
    first('date') || 'The relay adds one where it is missing.',
  );
  add(
    first('message-id') ? 'good' : 'warn',
    first('message-id') ? 'A Message-ID' : 'No Message-ID',
    first('message-id') || 'Threads and bounces are hard to match without one.',
  );
  if (!email.subject) add('warn', 'No subject', 'Filters count that against a message.');

  if (email.html !== null && email.text !== null) add('good', 'HTML and plain text', 'Readers that show no HTML see the text.');
  else if (email.html !== null)
    add(
      'warn',
      'HTML only',
      'Add a plain-text part: filters count its absence against a message, and some readers show nothing else.',
    );
  else if (email.text !== null) add('good', 'Plain text', 'Everybody can read it.');
  if (email.html !== null && email.html.length > 102_400)
    add('warn', 'The HTML is large', 'Gmail cuts off what is behind the first 102 KiB.');

  if (first('list-unsubscribe')) {
    const click = first('list-unsubscribe-post').toLowerCase() === 'list-unsubscribe=one-click';
    add(
      click ? 'good' : 'warn',
      click ? 'One-click unsubscribe' : 'List-Unsubscribe without one click',
      click
        ? 'RFC 8058 holds; large receivers ask for it on bulk mail.'
        : 'Add “List-Unsubscribe-Post: List-Unsubscribe=One-Click” (RFC 8058).',
    );
  } else {
    add(
      'calm',
      'No List-Unsubscribe',
      'Right for receipts and passwords. For newsletters large receivers want it, with one click.',
    );
  }
  const reply = domainOf(first('reply-to'));
  if (reply && from && !aligned(reply, from))
    add('calm', `Answers go to ${reply}`, `Reply-To is of another domain than From (${from}).`);
  return checks;
}
