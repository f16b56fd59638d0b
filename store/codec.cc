// Every record's kind, newest version and fields, in the order in which they are stored (docs/storage.md). A new field goes behind
// the last, under a new version: `if (io.since(version)) io(field)`.
#include "store/codec.h"

#include "store/record_io.h"

namespace postern::store {

// --- Stored words: the first and the last ---
template <> struct WordsOf<Environment> : FromTo<Environment::Live, Environment::Test> {};
template <> struct WordsOf<AccountMode> : FromTo<AccountMode::Sandbox, AccountMode::Production> {};
template <> struct WordsOf<AccountState> : FromTo<AccountState::Active, AccountState::Suspended> {};
template <> struct WordsOf<AutoSuppression> : FromTo<AutoSuppression::On, AutoSuppression::Off> {};
template <> struct WordsOf<Permission> : FromTo<Permission::FullAccess, Permission::SendingAccess> {};
template <> struct WordsOf<ConfirmationKind> : FromTo<ConfirmationKind::User, ConfirmationKind::Whitelist> {};
template <> struct WordsOf<DomainState> : FromTo<DomainState::Pending, DomainState::Failed> {};
template <> struct WordsOf<DkimKeyState> : FromTo<DkimKeyState::Signs, DkimKeyState::Retired> {};
template <> struct WordsOf<RouteAction> : FromTo<RouteAction::Store, RouteAction::Forward> {};
template <> struct WordsOf<InboundPolicy> : FromTo<InboundPolicy::Observe, InboundPolicy::Reject> {};
template <> struct WordsOf<ForwardState> : FromTo<ForwardState::Waiting, ForwardState::Refused> {};
template <> struct WordsOf<SuppressionReason> : FromTo<SuppressionReason::Bounce, SuppressionReason::Unsubscribe> {};
template <> struct WordsOf<WebhookState> : FromTo<WebhookState::Enabled, WebhookState::Failed> {};
template <> struct WordsOf<WebhookMail> : FromTo<WebhookMail::Any, WebhookMail::Test> {};
template <> struct WordsOf<ReceivedForm> : FromTo<ReceivedForm::Postern, ReceivedForm::Postmark> {};
template <> struct WordsOf<ActorKind> : FromTo<ActorKind::System, ActorKind::CommandLine> {};
template <> struct WordsOf<OrderAction> : FromTo<OrderAction::Hold, OrderAction::Move> {};
template <> struct WordsOf<BodyType> : FromTo<BodyType::SevenBit, BodyType::BinaryMime> {};
template <> struct WordsOf<DsnReturn> : FromTo<DsnReturn::Unspecified, DsnReturn::Headers> {};
template <> struct WordsOf<MessageOrigin> : FromTo<MessageOrigin::Submission, MessageOrigin::Inbound> {};
template <> struct WordsOf<RecipientStage> : FromTo<RecipientStage::Pending, RecipientStage::Complained> {};
template <> struct WordsOf<EventType> : FromTo<EventType::MessageAccepted, EventType::RecipientUnsubscribed> {};

// --- Parts of records ---
void fields(auto& io, Of<EnhancedCode> auto& code) { io(code.klass, code.subject, code.detail); }
void fields(auto& io, Of<Status> auto& status) { io(status.code, status.enhanced, status.text); }
void fields(auto& io, Of<Mailbox> auto& mailbox) { io(mailbox.local_part, mailbox.domain); }
void fields(auto& io, Of<IpNetwork> auto& network) {
  io(network.address);
  io.up_to(128, network.prefix_length);
}
void fields(auto& io, Of<Plan> auto& plan) { io(plan.name, plan.per_second, plan.per_day, plan.per_month); }
void fields(auto& io, Of<EndedSession> auto& session) { io(session.token_id, session.expires_at); }
void fields(auto& io, Of<DkimKey> auto& key) { io(key.selector, key.algorithm, key.private_key, key.public_record); }
void fields(auto& io, Of<DomainCheck> auto& check) { io(check.name, check.is_found, check.finding); }

void fields(auto& io, Of<InboundRoute> auto& route) {
  io(route.id, route.match, route.action, route.is_active);
  if (io.since(4)) io(route.destination);
}
void fields(auto& io, Of<InboundForward> auto& forward) {
  io(forward.route, forward.recipient, forward.destination, forward.message, forward.state, forward.why);
}

void fields(auto& io, Of<InboundVerdicts> auto& verdicts) {
  io(verdicts.spf, verdicts.spf_domain, verdicts.dkim, verdicts.signers, verdicts.dmarc, verdicts.author_domain);
  io(verdicts.is_dkim_aligned, verdicts.asked_for, verdicts.arc, verdicts.suspicion);
}

void fields(auto& io, Of<StatsCounts> auto& counts) {
  io(counts.accepted, counts.delivered, counts.deferred, counts.bounced, counts.refused, counts.suppressed, counts.complained);
}
void fields(auto& io, Of<KeyStats> auto& stats) { io(stats.key, stats.accepted, stats.refused); }
void fields(auto& io, Of<DomainStats> auto& stats) {
  io(stats.domain, stats.accepted, stats.delivered, stats.deferred, stats.bounced);
}
void fields(auto& io, Of<RefusalStats> auto& stats) { io(stats.token, stats.count); }

void fields(auto& io, Of<Notify> auto& notify) {
  io.flags(notify.is_given, notify.never, notify.success, notify.failure, notify.delay);
}
void fields(auto& io, Of<Recipient> auto& recipient) { io(recipient.mailbox, recipient.notify, recipient.orcpt); }
void fields(auto& io, Of<Envelope> auto& envelope) {
  auto& parameters = envelope.parameters;
  io(envelope.reverse_path, parameters.declared_size, parameters.body);
  io.flags(parameters.smtputf8, parameters.require_tls);
  io(parameters.ret, parameters.envid, envelope.recipients);
}
void fields(auto& io, Of<RecipientState> auto& state) {
  io(state.stage, state.attempts, state.next_attempt, state.last_status, state.remote, state.delay_notified);
  if (io.since(2)) io(state.is_own_word);
}
void fields(auto& io, Of<MessageSummary> auto& summary) {
  io(summary.from, summary.subject, summary.to, summary.cc, summary.bcc, summary.reply_to, summary.tags);
  if (io.since(3)) io(summary.message_id);
}
void front(auto& io, auto& message) {
  io(message.id, message.environment, message.content_octets, message.chunk_count, message.trace_octets, message.account);
}
void front_of_event(auto& io, auto& event) { io(event.sequence, event.at, event.message, event.type, event.account); }

// --- Records ---
void fields(auto& io, Of<SchemaVersion> auto& version) { io(version.number); }
void fields(auto& io, Of<Count> auto& count) { io(count.number); }
void fields(auto& io, Of<SpoolTotals> auto& totals) { io(totals.next_sequence, totals.captured_octets); }
void fields(auto& io, Of<EventIdKey> auto& key) { io(key.octets, key.last_numbered); }

void fields(auto& io, Of<AccountRecord> auto& account) {
  io(account.id, account.name, account.mode, account.state, account.plan, account.from_domains, account.created);
  if (io.since(2)) io(account.is_self_made, account.auto_suppression, account.suppression_days);
  if (io.since(3)) io(account.blind_copy_to);
}
void fields(auto& io, Of<KeyRecord> auto& key) {
  io(key.id, key.account, key.name, key.environment, key.permission, key.from_domains, key.networks, key.per_second);
  io(key.prefix, key.digest, key.created, key.expires_at, key.revoked_at, key.retires_at, key.successor);
}
void fields(auto& io, Of<KeyOutline> auto& key) {
  io(key.environment, key.created, key.expires_at, key.revoked_at, key.retires_at);
}
void fields(auto& io, Of<KeyUsage> auto& usage) { io(usage.at, usage.address, usage.helo_name); }
void fields(auto& io, Of<KeyRefusal> auto& refusal) { io(refusal.use, refusal.reason); }
void fields(auto& io, Of<WhitelistEntry> auto& entry) { io(entry.address, entry.added); }
void fields(auto& io, Of<UserRecord> auto& user) {
  io(user.id, user.account, user.email, user.password_hash, user.created);
  if (io.since(2)) io(user.ended_sessions, user.sessions_from);
  if (io.since(3)) io(user.is_operator);
}
void fields(auto& io, Of<Confirmation> auto& confirmation) {
  io(confirmation.account, confirmation.kind, confirmation.address, confirmation.code_digest, confirmation.asked);
  io(confirmation.expires_at);
}
void fields(auto& io, Of<ProductionRequest> auto& request) { io(request.account, request.at, request.use_case); }
void fields(auto& io, Of<DomainRecord> auto& domain) {
  io(domain.id, domain.account, domain.name, domain.state, domain.ownership_token, domain.dkim_keys, domain.checks);
  io(domain.created, domain.checked_at, domain.verified_at);
  if (io.since(2)) io(domain.is_receiving, domain.routes);
  if (io.since(3)) io(domain.inbound_policy);
  if (!io.since(5)) return;
  for (auto& key : domain.dkim_keys) io(key.state, key.until);
}
void fields(auto& io, Of<SuppressionRecord> auto& suppression) {
  io(suppression.address, suppression.reason, suppression.at, suppression.message);
  if (io.since(2)) io(suppression.until);
  if (io.since(3)) io(suppression.stream);
}
void fields(auto& io, Of<WebhookRecord> auto& webhook) {
  io(webhook.id, webhook.account, webhook.url, webhook.events, webhook.state, webhook.secret, webhook.previous_secret);
  io(webhook.previous_secret_until, webhook.created, webhook.first_sequence);
  if (io.since(2)) io(webhook.mail, webhook.from_domains);
  if (io.since(3)) io(webhook.received_form, webhook.routes);
}
void fields(auto& io, Of<WebhookProgress> auto& progress) {
  io(progress.cursor, progress.failing_since, progress.delivered, progress.given_up);
  io.unless_stored(progress.is_proven, progress.delivered > 0);
  if (io.since(2)) io(progress.is_proven);
}
void fields(auto& io, Of<PendingWebhookEvent> auto& event) {
  io(event.sequence, event.message, event.first_attempt, event.due, event.attempts);
  if (io.since(2)) io(event.is_requested);
  if (io.since(3)) io(event.has_own_clock);
}
void fields(auto& io, Of<UsageRow> auto& usage) { io(usage.day, usage.key, usage.messages, usage.recipients); }

void fields(auto& io, Of<SessionRecord> auto& session) {
  io(session.id, session.account, session.user, session.key, session.digest, session.opened, session.expires_at);
  io(session.password_mark, session.address, session.client);
}
void fields(auto& io, Of<AuditRecord> auto& entry) {
  io(entry.at, entry.account, entry.actor_kind, entry.actor_id, entry.actor_name, entry.address, entry.action);
  io(entry.target_kind, entry.target_id, entry.target_name, entry.detail);
}
void fields(auto& io, Of<OrderScope> auto& scope) {
  io(scope.message, scope.domain, scope.route, scope.account, scope.key, scope.tag);
}
void fields(auto& io, Of<OrderRecord> auto& order) {
  io(order.id, order.action, order.scope, order.to_route, order.reason, order.author, order.created, order.expires_at);
}
void fields(auto& io, Of<StatsRow> auto& row) {
  io(row.environment, row.start, row.totals, row.keys, row.domains, row.refusals, row.delays);
}

void fields(auto& io, Of<MessageRecord> auto& message) {
  front(io, message);
  io(message.key, message.origin, message.user_name, message.envelope, message.accepted_at, message.client_address);
  io(message.helo_name);
  if (io.since(2)) io(message.signature_fields, message.summary);
  if (io.since(4)) io(message.has_own_clock);
  if (io.since(5)) io(message.forward_of);
}
void fields(auto& io, Of<DeliveryRecord> auto& delivery) {
  io(delivery.recipients, delivery.due);
  if (io.since(3)) {
    io(delivery.lane);
  } else {
    std::uint64_t hash = 0;  // of the domain
    io(hash);
  }
  io(delivery.settled_at, delivery.content_until);
  if (io.since(3)) io(delivery.scheduled_at);
  if (!io.since(4)) return;
  for (auto& state : delivery.recipients) io(state.route);
}
void fields(auto& io, Of<Event> auto& event) {
  front_of_event(io, event);
  io(event.environment, event.recipient, event.status, event.detail);
}
void fields(auto& io, Of<IdempotencyRecord> auto& record) { io(record.fingerprint, record.message, record.at); }
void fields(auto& io, Of<RunRecord> auto& run) {
  io(run.account, run.name, run.label, run.seed, run.script, run.created, run.expires_at, run.clock, run.clock_start);
  if (io.since(2)) io(run.told_up_to);
}
void fields(auto& io, Of<RuleMatch> auto& match) {
  io(match.at, match.rule, match.stage, match.from, match.to, match.attempt);
}
void fields(auto& io, Of<AskedPair> auto& pair) { io(pair.from, pair.to, pair.attempts); }
void fields(auto& io, Of<RunMemory> auto& memory) {
  io(memory.account, memory.name, memory.created, memory.messages, memory.used, memory.pairs, memory.matches);
}
void fields(auto& io, Of<SessionTranscript> auto& transcript) { io(transcript.text); }
void fields(auto& io, Of<DestinationPause> auto& pause) { io(pause.name, pause.since, pause.until, pause.why); }

void fields(auto& io, Of<InboundRecord> auto& inbound) {
  io(inbound.id, inbound.account, inbound.received_at, inbound.about, inbound.from, inbound.subject, inbound.reverse_path);
  io(inbound.recipients, inbound.octets, inbound.kind, inbound.findings);
  if (io.since(2)) io(inbound.verdicts, inbound.forwards);
}

// --- Kinds ---
namespace {

struct RecordType {
  RecordKind kind;
  std::string_view name;  // in an error
  std::uint8_t newest = kRecordVersion;
};
template <class Record> constexpr RecordType kType;
template <> constexpr RecordType kType<SchemaVersion>{RecordKind::Schema, "schema version"};
template <> constexpr RecordType kType<Count>{RecordKind::Counter, "counter"};
template <> constexpr RecordType kType<SpoolTotals>{RecordKind::Totals, "spool totals"};
template <> constexpr RecordType kType<EventIdKey>{RecordKind::EventIdKey, "key of event ids"};
template <> constexpr RecordType kType<AccountRecord>{RecordKind::Account, "account", kAccountRecordVersion};
template <> constexpr RecordType kType<KeyRecord>{RecordKind::Key, "key"};
template <> constexpr RecordType kType<KeyOutline>{RecordKind::KeyOutline, "row of an account's key"};
template <> constexpr RecordType kType<KeyUsage>{RecordKind::KeyUsage, "key usage"};
template <> constexpr RecordType kType<KeyRefusal>{RecordKind::KeyRefusal, "key's refusal"};
template <> constexpr RecordType kType<WhitelistEntry>{RecordKind::WhitelistEntry, "whitelist entry"};
template <> constexpr RecordType kType<UserRecord>{RecordKind::User, "user", kUserRecordVersion};
template <> constexpr RecordType kType<Confirmation>{RecordKind::Confirmation, "confirmation"};
template <> constexpr RecordType kType<ProductionRequest>{RecordKind::ProductionRequest, "production request"};
template <> constexpr RecordType kType<DomainRecord>{RecordKind::Domain, "domain", kDomainRecordVersion};
template <> constexpr RecordType kType<SuppressionRecord>{RecordKind::Suppression, "suppression", kSuppressionRecordVersion};
template <> constexpr RecordType kType<WebhookRecord>{RecordKind::Webhook, "webhook", kWebhookRecordVersion};
template <> constexpr RecordType kType<WebhookProgress>{RecordKind::WebhookProgress, "webhook's progress",
                                                        kWebhookProgressRecordVersion};
template <> constexpr RecordType kType<PendingWebhookEvent>{RecordKind::PendingWebhookEvent, "pending event of a webhook",
                                                            kPendingEventRecordVersion};
template <> constexpr RecordType kType<UsageRow>{RecordKind::Usage, "usage row"};
template <> constexpr RecordType kType<SessionRecord>{RecordKind::Session, "session"};
template <> constexpr RecordType kType<AuditRecord>{RecordKind::Audit, "audit entry"};
template <> constexpr RecordType kType<OrderRecord>{RecordKind::Order, "order"};
template <> constexpr RecordType kType<StatsRow>{RecordKind::Stats, "row of statistics"};
template <> constexpr RecordType kType<MessageRecord>{RecordKind::Message, "message record", kMessageRecordVersion};
template <> constexpr RecordType kType<DeliveryRecord>{RecordKind::Delivery, "delivery record", kDeliveryRecordVersion};
template <> constexpr RecordType kType<Event>{RecordKind::Event, "event"};
template <> constexpr RecordType kType<IdempotencyRecord>{RecordKind::Idempotency, "idempotency record"};
template <> constexpr RecordType kType<RunRecord>{RecordKind::Run, "run", kRunRecordVersion};
template <> constexpr RecordType kType<RunMemory>{RecordKind::RunMemory, "memory of a run"};
template <> constexpr RecordType kType<SessionTranscript>{RecordKind::SessionTranscript, "transcript"};
template <> constexpr RecordType kType<DestinationPause>{RecordKind::DestinationPause, "destination pause"};
template <> constexpr RecordType kType<InboundRecord>{RecordKind::Inbound, "inbound record", kInboundRecordVersion};

Error corrupt(std::string_view what) {
  return Error(ErrorCode::CorruptRecord, "a stored " + std::string(what) + " is damaged or of an unknown version");
}

}  // namespace

template <class Record>
void Codec<Record>::encode(const Record& record, std::string& out) {
  constexpr RecordType type = kType<Record>;
  RecordWriter writer(type.kind, type.newest, out);
  fields(writer, record);
  writer.finish();
}

template <class Record>
Result<Record> Codec<Record>::decode(std::string_view octets) {
  Result<Record> record;
  if (Result<void> decoded = decode_into(octets, *record); !decoded) record = decoded.error();
  return record;
}

template <class Record>
Result<void> Codec<Record>::decode_into(std::string_view octets, Record& record) {
  constexpr RecordType type = kType<Record>;
  RecordReader reader(type.kind, type.newest, octets);
  fields(reader, record);
  if (!reader.is_complete()) return corrupt(type.name);
  return {};
}

Result<MessageFacts> Codec<MessageFacts>::decode(std::string_view message) {
  RecordReader reader(RecordKind::Message, kMessageRecordVersion, message);
  MessageFacts facts;
  front(reader, facts);
  if (!reader.is_sound()) return corrupt("message record");
  return facts;
}

Result<EventFacts> Codec<EventFacts>::decode(std::string_view event) {
  RecordReader reader(RecordKind::Event, kRecordVersion, event);
  EventFacts facts;
  front_of_event(reader, facts);
  if (!reader.is_sound()) return corrupt("event");
  return facts;
}

template struct Codec<SchemaVersion>;
template struct Codec<Count>;
template struct Codec<SpoolTotals>;
template struct Codec<EventIdKey>;
template struct Codec<AccountRecord>;
template struct Codec<KeyRecord>;
template struct Codec<KeyOutline>;
template struct Codec<KeyUsage>;
template struct Codec<KeyRefusal>;
template struct Codec<WhitelistEntry>;
template struct Codec<UserRecord>;
template struct Codec<Confirmation>;
template struct Codec<ProductionRequest>;
template struct Codec<DomainRecord>;
template struct Codec<SuppressionRecord>;
template struct Codec<WebhookRecord>;
template struct Codec<WebhookProgress>;
template struct Codec<PendingWebhookEvent>;
template struct Codec<UsageRow>;
template struct Codec<SessionRecord>;
template struct Codec<AuditRecord>;
template struct Codec<OrderRecord>;
template struct Codec<StatsRow>;
template struct Codec<MessageRecord>;
template struct Codec<DeliveryRecord>;
template struct Codec<Event>;
template struct Codec<IdempotencyRecord>;
template struct Codec<RunRecord>;
template struct Codec<RunMemory>;
template struct Codec<SessionTranscript>;
template struct Codec<DestinationPause>;
template struct Codec<InboundRecord>;

}  // namespace postern::store
