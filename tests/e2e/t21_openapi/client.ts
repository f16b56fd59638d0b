// A client that knows the API by openapi.json alone. It compiles without a cast, and what is wrong does not.
import type { components, operations, paths, webhooks } from "./openapi";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Answer<Op> = Op extends { responses: infer All } ? Json<All[keyof All & (200 | 201 | 202)]> : never;
type Failure = Json<operations["sendEmail"]["responses"]["default"]>;
type Options<Op> = (Op extends { requestBody: infer Body } ? { body: Json<Body> } : { body?: never }) &
  (Op extends { parameters: infer All } ? All : never);

async function call<Name extends keyof operations>(
  name: Name,
  options: Options<operations[Name]>,
): Promise<Answer<operations[Name]> | Failure> {
  const response = await fetch("https://relay.example.net/" + name, { body: JSON.stringify(options.body) });
  return response.json();
}

function good<T extends object>(answer: T | Failure): T {
  if ("statusCode" in answer) throw new Error(answer.name + ": " + answer.message);
  return answer;
}

function told(event: components["schemas"]["Event"]): string {
  switch (event.type) {
    case "email.sent":
      return event.data.subject + (event.data.warnings ?? "");
    case "email.bounced":
      return event.data.recipient + event.data.bounce.message;
    case "email.failed":
      return event.data.failed.reason;
    case "email.dsn_withheld":
      return event.data.reason;
    case "webhook.disabled":
      return event.data.webhook_id;
    default:
      return event.id + event.data.to.join();
  }
}

export function received(body: webhooks["email.delivered"]["post"]["requestBody"]["content"]["application/json"]): string {
  return body.data.recipient;
}

export async function tour(): Promise<string[]> {
  const mail = { from: "a@example.org", to: ["b@example.net"], subject: "x", text: "x", run: "ci" };
  const sent = good(await call("sendEmail", { body: mail }));
  const email = good(await call("getEmail", { path: { id: sent.id } }));
  const stages: string[] = email.recipients.map((recipient) => recipient.status + (recipient.last_status ?? ""));
  const page = good(await call("listEvents", { query: { run: "ci", type: "email.delivered", limit: 10 } }));
  const next: string | null = page.next;
  const gone: number = good(await call("deleteRun", { path: { run: "ci" }, query: { after: next ?? "" } })).deleted;
  const created = good(await call("createApiKey", { body: { name: "ci", environment: "test" } }));
  const list: paths["/v1/emails"]["get"] = {} as never;
  // @ts-expect-error: no such member
  await call("sendEmail", { body: { from: "a@example.org", to: "b@example.net", subject: "x", sujbect: "x" } });
  // @ts-expect-error: no such parameter
  await call("listEvents", { query: { rum: "ci" } });
  // @ts-expect-error: the id is missing
  await call("getEmail", {});
  // @ts-expect-error: an event may have no bounce
  page.data[0]?.data.bounce;
  // @ts-expect-error: no such status
  if (email.last_event === "opened") return [];
  return [...stages, ...page.data.map(told), String(gone), created.token, typeof list];
}
