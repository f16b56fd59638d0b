// What came in, read by the resend package: only its base URL is changed.
const assert = require('node:assert');
const { Resend } = require('resend');

const [baseUrl, key, id] = process.argv.slice(2);

function value({ data, error }) {
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

async function main() {
  const { receiving } = new Resend(key, { baseUrl }).emails;
  const first = value(await receiving.list({ limit: 1 }));
  assert.equal(first.object, 'list');
  assert.deepEqual([first.data.length, first.has_more, first.data[0].id], [1, true, id]);
  const second = value(await receiving.list({ limit: 1, after: first.data[0].id }));
  assert.notEqual(second.data[0].id, id);
  const email = value(await receiving.get(id));
  assert.equal(email.subject, 'forms');
  assert.deepEqual(email.cc, ['bob@example.net']);
  assert.deepEqual(email.received_for, ['sales+42@example.org']);
  assert.match(email.html, /data:image\/png;base64,AAECAw==/);
  assert.equal(email.headers['In-Reply-To'], '<0@example.org>');
  assert.match(value(await receiving.get(id, { html_format: 'cid' })).html, /cid:pic/);
  const [listed] = value(await receiving.attachments.list({ emailId: id })).data;
  assert.equal(listed.content_id, 'pic');
  const attachment = value(await receiving.attachments.get({ emailId: id, id: listed.id }));
  assert.equal(attachment.filename, 'a.png');
  const octets = Buffer.from(await (await fetch(attachment.download_url)).arrayBuffer());
  assert.deepEqual(octets, Buffer.from([0, 1, 2, 3]));
  const missing = await receiving.get('0'.repeat(26));
  assert.equal(missing.error.name, 'not_found');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
