#include "submission/submission.h"

#include "core/bytes.h"
#include "core/check.h"
#include "core/header_text.h"
#include "core/operator_log.h"
#include "core/refusals.h"
#include "domains/dkim_keys.h"
#include "mime/addressees.h"
#include "mime/from_field.h"
#include "net/await_completion.h"
#include "smtp/trace_header.h"
#include "submission/auth_failure.h"
#include "submission/message_fixups.h"
#include "submission/message_tags.h"
#include "submission/recipient_policy.h"
#include "submission/sender_policy.h"

#include <algorithm>

namespace postern::submission {
namespace {

Refusal storage_refusal(const Error& error) {
  return error.code() == ErrorCode::StorageFull ? Refusal::StorageFull : Refusal::StorageUnavailable;
}

std::string wait_text(std::string_view what, std::chrono::seconds wait) {
  return std::string(what) + ": wait " + std::to_string(wait.count()) + " s";
}

bool has_address_beyond_ascii(const Envelope& envelope) {
  if (envelope.reverse_path && envelope.reverse_path->needs_smtputf8()) return true;
  return std::ranges::any_of(envelope.recipients, [](const Recipient& recipient) {
    return recipient.mailbox.needs_smtputf8() || has_high_octet(recipient.orcpt);
  });
}

// A field's value as a list shows it.
std::string summary_text(const mime::HeaderField* field) {
  return field ? header_text(field->value, store::kMaxSummaryOctets) : std::string();
}

std::string joined_warnings(const std::vector<std::string>& warnings) {
  std::string text = "warnings: ";
  for (const std::string& warning : warnings) text.append(&warning == &warnings.front() ? "" : "; ").append(warning);
  return text;
}

}  // namespace

Submission::Submission(const SubmissionContext& context, const Submitter& submitter, Purpose purpose)
    : context_(context), submitter_(submitter), purpose_(purpose) {}

Submission::~Submission() {
  if (reserved_ > 0 && is_submitting()) context_.quota.release(principal_.account, reserved_);
}

operator_log::Client Submission::client() const { return {principal_.account, principal_.key, submitter_.address}; }

Verdict Submission::refuse(Refusal refusal, std::string_view detail) {
  refusal_facts_ = {refusal, {}};
  return Verdict::refuse(refusal_status(refusal, detail));
}

Verdict Submission::refuse_wait(Refusal refusal, std::string_view what, const QuotaAnswer& answer) {
  refusal_facts_ = {refusal, answer.wait, answer.limit};
  return Verdict::refuse(refusal_status(refusal, wait_text(what, answer.wait)));
}

Verdict Submission::refuse_sender(Verdict verdict, const std::optional<Mailbox>& reverse_path) {
  if (is_submitting()) operator_log::sender_refused(client(), *refusal_facts_.refusal, reverse_path, verdict.status().text);
  return verdict;
}

Verdict Submission::refuse_recipient(Verdict verdict, Refusal refusal, const Recipient& recipient) {
  if (is_submitting()) operator_log::recipient_refused(client(), refusal, recipient.mailbox);
  return verdict;
}

Verdict Submission::judge_sender(const std::optional<Mailbox>& reverse_path, std::uint32_t messages) {
  const Instant now = context_.clock.now();
  auth::AuthResult fresh = context_.authenticator.refresh(submitter_.key, submitter_.address, now);
  if (const auto* failure = std::get_if<auth::AuthFailure>(&fresh)) {
    const Refusal refusal = failure->refusal;
    const bool is_key_dead = refusal != Refusal::AuthUnavailable;
    if (is_submitting()) log_auth_failure(*failure, submitter_.address);
    if (is_submitting()) remember_refusal(context_.usage, *failure, {now, submitter_.address, submitter_.helo_name});
    refusal_facts_ = {refusal, {}};
    return Verdict::refuse(open_session_refusal_status(refusal), is_key_dead);
  }
  principal_ = std::move(std::get<auth::Principal>(fresh));
  if (const auto room = context_.store.spool().can_accept(); !room) {
    return refuse_sender(refuse(storage_refusal(room.error())), reverse_path);
  }
  Verdict verdict = judge_reverse_path(principal_, reverse_path);
  if (!verdict.is_accepted()) {
    const bool is_suspended = principal_.account_state == store::AccountState::Suspended;
    refusal_facts_ = {is_suspended ? Refusal::AccountSuspended : Refusal::SenderNotAllowed, {}};
    return refuse_sender(std::move(verdict), reverse_path);
  }
  routes_ = context_.routes();
  hides_reverse_path_ = reverse_path && principal_.environment == Environment::Live &&
                        principal_.account_mode == AccountMode::Sandbox && !is_reverse_path_proven(*reverse_path);
  return judge_rate(reverse_path, messages, now);
}

// Reports of next hops go there, whoever it is: to the account itself, or to one who has agreed.
bool Submission::is_reverse_path_proven(const Mailbox& reverse_path) const {
  const auto listed = context_.store.directory().is_whitelisted(principal_.account, normalised_mailbox(reverse_path));
  if (listed && *listed) return true;
  auto domain = context_.store.directory().find_domain_named(principal_.account, normalised_domain(reverse_path.domain));
  if (!domain || !*domain) return false;
  domains::wipe_private_keys(**domain);
  return (*domain)->state == store::DomainState::Verified;
}

// PRODUCT.md section 3: test keys never count.
Verdict Submission::judge_rate(const std::optional<Mailbox>& reverse_path, std::uint32_t messages, Instant now) {
  if (principal_.environment == Environment::Test || messages == 0) return Verdict::accept();
  const auth::Principal& who = principal_;
  const QuotaAnswer answer = is_submitting()
                                 ? context_.quota.take_message(who.account, who.plan, who.key, who.key_per_second, now, messages)
                                 : context_.quota.peek_message(who.account, who.plan, who.key, who.key_per_second, now);
  if (answer.kind == QuotaAnswer::Kind::Granted) return Verdict::accept();
  return refuse_sender(refuse_wait(Refusal::RateLimited, "too many messages a second", answer), reverse_path);
}

Verdict Submission::judge_recipient(const Recipient& recipient) {
  RecipientFacts facts;
  facts.simulator_domain = context_.settings.simulator_domain;
  const bool is_live = principal_.environment == Environment::Live;
  if (is_live && principal_.account_mode == AccountMode::Sandbox) {
    const auto listed = context_.store.directory().is_whitelisted(principal_.account, normalised_mailbox(recipient.mailbox));
    if (!listed) return refuse(Refusal::StorageUnavailable);
    facts.is_whitelisted = *listed;
  }
  facts.has_route = routes_->find(normalised_domain(recipient.mailbox.domain)) != nullptr;
  Verdict verdict = submission::judge_recipient(principal_, recipient, facts);
  refusal_facts_ = {};
  const bool is_simulated = !is_live && !recipient.mailbox.is_address_literal();
  if (!verdict.is_accepted() && !is_simulated) {
    refusal_facts_ = {live_refusal(recipient, facts), {}};
    return refuse_recipient(std::move(verdict), *refusal_facts_.refusal, recipient);
  }
  return is_live ? judge_quota(recipient) : verdict;
}

Verdict Submission::judge_quota(const Recipient& recipient) {
  const Instant now = context_.clock.now();
  const QuotaAnswer answer = is_submitting() ? context_.quota.reserve(principal_.account, principal_.plan, 1, now)
                                             : context_.quota.peek(principal_.account, principal_.plan, reserved_ + 1, now);
  if (answer.kind != QuotaAnswer::Kind::Granted) {
    return refuse_recipient(refuse_wait(Refusal::QuotaExceeded, "the quota is used up", answer), Refusal::QuotaExceeded,
                            recipient);
  }
  ++reserved_;
  return Verdict::accept();
}

Verdict Submission::judge_header(const mime::HeaderScan& header) {
  if (const auto refusal = header_refusal(header)) return refuse(refusal->refusal, refusal->detail);
  return Verdict::accept();
}

void Submission::set_idempotency_key(std::string key, const auth::Sha256Digest& fingerprint) {
  idempotency_key_ = std::move(key);
  given_fingerprint_ = fingerprint;
}

std::optional<Verdict> Submission::find_replay() {
  POSTERN_CHECK(idempotency_key_ && given_fingerprint_);
  const store::IdempotencyClaim mine = *claim();
  const auto found = context_.store.spool().find_idempotent(principal_.account, mine.key_digest, context_.clock.now());
  if (!found) return refuse(storage_refusal(found.error()));
  if (!*found) return std::nullopt;
  return answer_replay(mine);
}

Verdict Submission::open(const Envelope& envelope, TraceFacts trace) {
  POSTERN_CHECK(is_submitting() && !writer_ && !envelope.recipients.empty());
  if (const auto room = context_.store.spool().can_accept(); !room) {
    Verdict verdict = refuse(storage_refusal(room.error()));
    operator_log::message_refused(client(), *refusal_facts_.refusal, std::nullopt);
    return verdict;
  }
  envelope_ = &envelope;
  trace_ = std::move(trace);
  opened_at_ = context_.clock.now();
  writer_ = context_.store.spool().open_message(make_message_id(opened_at_, context_.random), principal_.account);
  return Verdict::accept();
}

bool Submission::append(std::string_view content) {
  if (content_refusal_) return true;
  is_eight_bit_ = is_eight_bit_ || has_high_octet(content);
  if (!header_done_) {
    content.remove_prefix(header_.feed(content));
    if (header_.state() == mime::HeaderScan::State::TooBig) refuse_content({Refusal::HeaderTooBig, {}});
    if (header_.state() == mime::HeaderScan::State::Complete) begin_content();
    if (content_refusal_ || !header_done_) return true;
  }
  if (fingerprint_) fingerprint_->add(content);
  watch_lines(content);
  return content_refusal_ || put(content);
}

// Nobody is refused for what was composed here: over HTTP there is no HELO name.
LongLines Submission::long_lines_mode() const {
  const LongLines mode = context_.settings.long_lines;
  return mode == LongLines::Refuse && trace_.helo_name.empty() ? LongLines::Encode : mode;
}

void Submission::watch_lines(std::string_view content) {
  long_lines_.feed(content);
  if (!content_refusal_ && long_lines_mode() == LongLines::Refuse && long_lines_.is_found()) {
    refuse_content({Refusal::InvalidMessage, "the message holds a line longer than 998 octets"});
  }
}

bool Submission::put(std::string_view content) {
  if (signing_) signing_->append(content);
  return content.empty() || writer_->append(content);
}

std::optional<Submission::ContentRefusal> Submission::header_refusal(const mime::HeaderScan& header) const {
  if (header.state() == mime::HeaderScan::State::TooBig) return ContentRefusal{Refusal::HeaderTooBig, {}};
  if (header.count("Received") > context_.settings.max_received_fields) return ContentRefusal{Refusal::MailLoop, {}};
  // RFC 5322 §3.6: at most one; receivers refuse two, since readers choose either.
  if (header.count("From") > 1) return ContentRefusal{Refusal::InvalidMessage, "the message has two From fields"};
  if (principal_.from_domains.empty()) return std::nullopt;
  const mime::HeaderField* field = header.find("From");
  const std::optional<mime::FromField> from = field ? std::optional(mime::read_from_field(field->value)) : std::nullopt;
  auto detail = refuse_from(principal_, from);
  if (!detail) return std::nullopt;
  if (from && envelope_ && is_automatic_notice(principal_, *envelope_, *from, trace_.helo_name)) return std::nullopt;
  return ContentRefusal{Refusal::SenderNotAllowed, std::move(*detail)};
}

// The header section is known: what it must not hold, what is added, and what goes on top of it.
void Submission::begin_content() {
  header_done_ = true;
  if (auto refusal = header_refusal(header_)) return refuse_content(std::move(*refusal));
  is_header_eight_bit_ = has_high_octet(header_.section());
  if (!idempotency_key_) idempotency_key_ = idempotency_key_of(header_);
  is_keyed_by_envid_ = !idempotency_key_ && !envelope_->parameters.envid.empty();
  if ((idempotency_key_ || is_keyed_by_envid_) && !given_fingerprint_) {
    fingerprint_.emplace(*envelope_);
    fingerprint_->add(header_.section());
    fingerprint_->add(header_.has_empty_line() ? "\r\n" : "");
    fingerprint_->add(header_.body_start());
  }
  if (!summary_) make_summary();
  if (principal_.environment == Environment::Test) warnings_ = header_warnings(header_);
  if (long_lines_mode() == LongLines::Refuse) watch_lines(header_.section());
  watch_lines(header_.body_start());
  if (content_refusal_) return;
  const std::string fixed = begin_writer();
  begin_signing();
  put(fixed);
}

std::string Submission::begin_writer() {
  const std::string id = format_message_id(writer_->id());
  std::optional<smtp::TraceHeader::Client> shown;
  if (context_.settings.shows_client) shown = {.helo_name = trace_.helo_name, .address = submitter_.address};
  const std::string trace = smtp::format_trace_header({.client = shown,
                                                       .hostname = context_.settings.hostname,
                                                       .protocol = trace_.protocol,
                                                       .message_id = id,
                                                       .tls = trace_.tls,
                                                       .at = opened_at_});
  trace_octets_ = static_cast<std::uint32_t>(trace.size());
  writer_->append(trace);
  const bool folds = long_lines_mode() == LongLines::Encode;
  std::string fixed = fixed_header(header_, id, context_.settings.hostname, opened_at_, folds);
  header_octets_ = fixed.size();
  return fixed;
}

// What cannot be signed goes out unsigned: a reader may trust it less, but nobody's mail stands still.
void Submission::begin_signing() {
  if (context_.signer == nullptr) return;
  auto signing = context_.signer->open(principal_.account, header_);
  if (!signing) return operator_log::message_not_signed(client(), writer_->id(), signing.error());
  signing_ = std::move(*signing);
}

std::string Submission::finish_signing() {
  if (!signing_) return {};
  auto fields = signing_->finish();
  signing_.reset();
  if (fields) return std::move(*fields);
  operator_log::message_not_signed(client(), writer_->id(), fields.error());
  return {};
}

void Submission::refuse_content(ContentRefusal refusal) {
  operator_log::message_refused(client(), refusal.refusal, writer_->id(), refusal.detail);
  content_refusal_ = std::move(refusal);
  writer_.reset();
}

// Which rule of submission/recipient_policy it was.
Refusal Submission::live_refusal(const Recipient& recipient, const RecipientFacts& facts) const {
  const bool is_live = principal_.environment == Environment::Live;
  const bool is_boxed = is_live && principal_.account_mode == AccountMode::Sandbox && !facts.is_whitelisted;
  if (is_boxed) return Refusal::RecipientNotWhitelisted;
  return recipient.mailbox.is_address_literal() ? Refusal::InvalidRecipient : Refusal::NoRoute;
}

net::Awaitable<void> Submission::drain() {
  if (!writer_) co_return;
  store::MessageWriter* writer = writer_.get();
  // An error shows again at commit, which then fails.
  const Result<void> ignored = co_await net::await_completion([writer](Completion done) { writer->drain(std::move(done)); });
  static_cast<void>(ignored);
}

// What lists show of a message that came by SMTP. Who is in the envelope and not in the header got a blind copy; where the header
// names nobody, nobody is known to be blind.
void Submission::make_summary() {
  summary_.emplace();
  summary_->from = summary_text(header_.find("From"));
  if (summary_->from.empty() && envelope_->reverse_path) summary_->from = format_mailbox(*envelope_->reverse_path);
  summary_->subject = summary_text(header_.find("Subject"));
  summary_->tags = message_tags(header_);
  mime::AddresseeSummary addressees = mime::summarise_addressees(header_, *envelope_);
  summary_->to = std::move(addressees.to);
  summary_->cc = std::move(addressees.cc);
  summary_->bcc = std::move(addressees.bcc);
}

Envelope Submission::outgoing_envelope() const {
  Envelope envelope = *envelope_;
  if (envelope.reverse_path) envelope.reverse_path = outgoing_mailbox(std::move(*envelope.reverse_path));
  for (Recipient& recipient : envelope.recipients) recipient.mailbox = outgoing_mailbox(std::move(recipient.mailbox));
  if (!hides_reverse_path_) return envelope;
  // Neither we nor a next hop may send anything to who has not agreed to it.
  envelope.reverse_path.reset();
  envelope.parameters.ret = DsnReturn::Headers;
  for (Recipient& recipient : envelope.recipients) recipient.notify = Notify{.is_given = true, .never = true};
  return envelope;
}

store::MessageRecord Submission::make_record(Instant now) const {
  store::MessageRecord record;
  record.id = writer_->id();
  record.account = principal_.account;
  record.key = principal_.key;
  record.environment = principal_.environment;
  record.user_name = submitter_.user_name;
  record.envelope = outgoing_envelope();
  // RFC 6152 §3, RFC 6531 §3.4: what the next hop has to be able to, whatever the client said or forgot to say. What the content
  // does not need must not keep it from a hop that cannot.
  EnvelopeParameters& parameters = record.envelope.parameters;
  parameters.body = is_eight_bit_ ? BodyType::EightBitMime : BodyType::SevenBit;
  parameters.smtputf8 = parameters.smtputf8 && (is_header_eight_bit_ || has_address_beyond_ascii(record.envelope));
  record.accepted_at = now;
  record.client_address = submitter_.address;
  record.helo_name = trace_.helo_name;
  record.trace_octets = trace_octets_;
  record.summary = *summary_;
  record.summary.message_id = outgoing_message_id(header_, format_message_id(record.id), context_.settings.hostname)
                                  .substr(0, store::kMaxSummaryOctets);
  return record;
}

store::DeliveryRecord Submission::make_delivery(const store::MessageRecord& record) const {
  const Instant now = record.accepted_at;
  store::DeliveryRecord delivery;
  delivery.recipients.resize(envelope_->recipients.size());
  for (store::RecipientState& state : delivery.recipients) state.next_attempt = now;
  delivery.due = now;
  delivery.lane = store::lane_of_pending(record, delivery);
  if (principal_.environment == Environment::Test) delivery.content_until = now + context_.settings.capture_retention;
  return delivery;
}

// Requires the content to be over, unless the fingerprint was given.
std::optional<store::IdempotencyClaim> Submission::claim() {
  if (!idempotency_key_ && !is_keyed_by_envid_) return std::nullopt;
  store::IdempotencyClaim claim;
  claim.fingerprint = given_fingerprint_ ? *given_fingerprint_ : fingerprint_->finish();
  const std::string key = idempotency_key_ ? *idempotency_key_ : envid_idempotency_key(*envelope_, claim.fingerprint);
  claim.key_digest = idempotency_key_digest(principal_.environment, submitter_.user_name, key);
  return claim;
}

Verdict Submission::accept(const Acceptance& acceptance) {
  acceptance_ = acceptance;
  return Verdict::accept_with(Status{250, EnhancedCode{2, 0, 0}, "Ok: queued as " + format_message_id(acceptance.id)});
}

// The key is taken: by the same message or by another one. What was reserved for this one goes back with the destructor.
Verdict Submission::answer_replay(const store::IdempotencyClaim& claim) {
  const auto found = context_.store.spool().find_idempotent(principal_.account, claim.key_digest, context_.clock.now());
  if (!found || !*found) return refuse(Refusal::StorageUnavailable);
  if ((*found)->fingerprint == claim.fingerprint) return accept({(*found)->message, true});
  operator_log::message_refused(client(), Refusal::IdempotencyConflict, (*found)->message);
  return refuse(Refusal::IdempotencyConflict);
}

store::NewMessage Submission::make_message(Instant now) {
  store::NewMessage message;
  message.record = make_record(now);
  message.delivery = make_delivery(message.record);
  message.claim = claim();
  Event& accepted = message.events.emplace_back();
  accepted.at = now;
  accepted.type = EventType::MessageAccepted;
  accepted.account = message.record.account;
  accepted.message = message.record.id;
  accepted.environment = message.record.environment;
  accepted.detail = submitter_.user_name;
  if (!warnings_.empty()) accepted.status = Status{250, EnhancedCode{2, 0, 0}, joined_warnings(warnings_)};
  return message;
}

net::Awaitable<Verdict> Submission::commit() {
  if (!header_done_ && !content_refusal_) {
    header_.finish();
    begin_content();
  }
  if (content_refusal_) co_return refuse(content_refusal_->refusal, content_refusal_->detail);
  if (long_lines_.is_found() && long_lines_mode() == LongLines::Encode) {
    const MessageId as_it_came = writer_->id();
    const Result<void> mended = co_await mend_long_lines();
    if (!mended) {
      operator_log::message_not_stored(client(), as_it_came, mended.error());
      co_return refuse(storage_refusal(mended.error()));
    }
  }

  store::NewMessage message = make_message(context_.clock.now());
  message.record.signature_fields = finish_signing();
  const MessageId id = message.record.id;
  const std::uint64_t octets = writer_->octets();
  const std::optional<store::IdempotencyClaim> mine = message.claim;
  const store::DueEntry due{*message.delivery.due, id, message.delivery.lane, message.record.account};
  // The message lives in this frame until the completion has come.
  store::Spool* spool = &context_.store.spool();
  auto start = [this, spool, &message](Completion done) {
    spool->commit(std::move(writer_), std::move(message), std::move(done));
  };
  const Result<void> committed = co_await net::await_completion(start);
  if (!committed) {
    const ErrorCode code = committed.error().code();
    const bool is_taken = mine && (code == ErrorCode::AlreadyExists || code == ErrorCode::Conflict);
    if (is_taken) co_return answer_replay(*mine);
    operator_log::message_not_stored(client(), id, committed.error());
    co_return refuse(storage_refusal(committed.error()));
  }
  reserved_ = 0;
  const mime::HeaderField* const given_id = header_.find("Message-ID");
  operator_log::message_accepted(
      client(), {.id = id,
                 .environment = principal_.environment,
                 .recipients = envelope_->recipients.size(),
                 .octets = octets,
                 .header_id = given_id ? trim_ascii_space(given_id->value) : std::string_view(),
                 .sender_domain = envelope_->reverse_path ? envelope_->reverse_path->domain : std::string_view()});
  context_.usage.count_sent(principal_.account, principal_.key, context_.clock.now(), envelope_->recipients.size());
  context_.wake_queue(due);
  co_return accept({id, false});
}

}  // namespace postern::submission
