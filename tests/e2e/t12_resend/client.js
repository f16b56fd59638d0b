// usage: node client.js BASE_URL TEST_KEY LIVE_KEY WEBHOOK_PORT      (NODE_PATH names the folder of the packages)
const { Resend } = require("resend");
const assert = require("node:assert");
const http = require("node:http");

const [baseUrl, key, liveKey, webhookPort] = process.argv.slice(2);
const client = new Resend(key, { baseUrl });
const owner = new Resend(liveKey, { baseUrl });  // domains are a live key's business

// What the package answers: {data, error}; an error ends the run with its name.
async function ok(step, promise) {
  const { data, error } = await promise;
  assert.strictEqual(error, null, `${step}: ${JSON.stringify(error)}`);
  return data;
}
async function fails(step, name, statusCode, promise) {
  const { data, error } = await promise;
  assert.strictEqual(data, null, `${step} went through`);
  assert.strictEqual(error.name, name, `${step}: ${JSON.stringify(error)}`);
  assert.strictEqual(error.statusCode, statusCode, step);
}

const message = { from: "Ada <ada@example.org>", to: ["delivered@simulator.postern.test"], subject: "Grüße", html: "<p>Hello</p>", text: "Hello" };

async function keys() {
  const created = await ok("apiKeys.create", client.apiKeys.create({ name: "from the package", permission: "sending_access" }));
  assert.match(created.token, /^pk_test_[0-9A-Za-z]{48}$/);
  const listed = await ok("apiKeys.list", client.apiKeys.list());
  assert.ok(listed.data.some((k) => k.id === created.id && k.name === "from the package"));
  assert.ok(!JSON.stringify(listed).includes(created.token), "the list shows a token");
  const sender = new Resend(created.token, { baseUrl });
  await ok("send with a sending key", sender.emails.send(message));
  await fails("list keys with a sending key", "permission_denied", 403, sender.apiKeys.list());
  await ok("apiKeys.remove", client.apiKeys.remove(created.id));
  await fails("send with a removed key", "revoked_key", 401, sender.emails.send(message));
}

async function emails() {
  const one = await ok("emails.send", client.emails.send({ ...message, replyTo: "reply@example.org", tags: [{ name: "kind", value: "welcome" }] }));
  const got = await ok("emails.get", client.emails.get(one.id));
  assert.strictEqual(got.object, "email");
  assert.strictEqual(got.id, one.id);
  assert.strictEqual(got.subject, "Grüße");
  assert.match(got.html, /<p>Hello<\/p>/);
  assert.deepStrictEqual(got.to, ["delivered@simulator.postern.test"]);
  const batch = await ok("batch.send", client.batch.send([{ ...message, subject: "one" }, { ...message, subject: "two" }]));
  assert.strictEqual(batch.data.length, 2);
  assert.notStrictEqual(batch.data[0].id, batch.data[1].id);

  const attached = {
    ...message,
    subject: "with an attachment",
    attachments: [
      { filename: "café.txt", content: Buffer.from("octets \x00\xff", "latin1"), contentType: "application/octet-stream" },
      { filename: "logo.png", content: Buffer.from("iVBORw0KGgo=", "base64"), contentId: "logo" },
    ],
  };
  const first = await ok("emails.send with an idempotency key", client.emails.send(attached, { idempotencyKey: "order-4711" }));
  const again = await ok("emails.send with the same key again", client.emails.send(attached, { idempotencyKey: "order-4711" }));
  assert.strictEqual(again.id, first.id, "a replay made a second message");
  await fails("the same key, another message", "idempotency_conflict", 409,
              client.emails.send({ ...attached, subject: "another" }, { idempotencyKey: "order-4711" }));
  const files = await ok("emails.attachments.list", client.emails.attachments.list({ emailId: first.id }));
  assert.deepStrictEqual(files.data.map((f) => f.filename).sort(), ["café.txt", "logo.png"]);
  const list = await ok("emails.list", client.emails.list({ limit: 2 }));
  assert.strictEqual(list.data.length, 2);
  assert.strictEqual(list.has_more, true);
  await fails("an id that is not there", "not_found", 404, client.emails.get("00000000-0000-0000-0000-000000000000"));
  return first.id;
}

async function domains() {
  await fails("a test key's domain", "permission_denied", 403, client.domains.create({ name: "sender.example" }));
  const made = await ok("domains.create", owner.domains.create({ name: "sender.example" }));
  assert.ok(made.records.some((r) => r.type === "TXT" && r.value.startsWith("v=DKIM1")));
  assert.strictEqual((await ok("domains.get", owner.domains.get(made.id))).name, "sender.example");
  assert.ok((await ok("domains.list", owner.domains.list())).data.some((d) => d.id === made.id));
  await ok("domains.verify", owner.domains.verify(made.id));
  await ok("domains.remove", owner.domains.remove(made.id));
  await fails("a removed domain", "not_found", 404, owner.domains.get(made.id));
}

async function webhooks() {
  const arrived = [];
  let wake = () => {};
  const receiver = http.createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      arrived.push({ body, headers: request.headers });
      response.end("ok");
      wake();
    });
  });
  await new Promise((resolve) => receiver.listen(Number(webhookPort), "127.0.0.1", resolve));
  const made = await ok("webhooks.create", client.webhooks.create({ endpoint: `http://127.0.0.1:${webhookPort}/hook`, events: ["email.delivered"] }));
  assert.match(made.signing_secret, /^whsec_/);
  const sent = await ok("emails.send", client.emails.send(message));
  const deadline = setTimeout(() => { throw new Error("no event within 300 s"); }, 300000);
  while (!arrived.some((a) => a.body.includes(sent.id))) await new Promise((resolve) => (wake = resolve));
  clearTimeout(deadline);
  const event = arrived.find((a) => a.body.includes(sent.id));
  const verify = (payload) => client.webhooks.verify({
    payload,
    headers: { id: event.headers["webhook-id"], timestamp: event.headers["webhook-timestamp"], signature: event.headers["webhook-signature"] },
    webhookSecret: made.signing_secret,
  });
  const verified = verify(event.body);
  assert.strictEqual(verified.type, "email.delivered");
  assert.strictEqual(verified.data.email_id, sent.id);
  assert.throws(() => verify(event.body.replace("delivered", "bounced")), "a changed payload verifies");
  await ok("webhooks.remove", client.webhooks.remove(made.id));
  receiver.close();
  receiver.closeAllConnections?.();
}

(async () => {
  await keys();
  const id = await emails();
  await domains();
  await webhooks();
  console.log(id);
})().catch((failure) => {
  console.error(failure.message);
  process.exit(1);
});
