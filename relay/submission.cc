#include "relay/submission.h"

#include "core/check.h"
#include "core/refusals.h"
#include "relay/await_completion.h"
#include "relay/message_fixups.h"
#include "relay/operator_log.h"
#include "relay/recipient_policy.h"
#include "relay/sender_policy.h"
#include "smtp/trace_header.h"

namespace postern::relay {
namespace {

Refusal storage_refusal(const Error& error) {
  return error.code() == ErrorCode::StorageFull ? Refusal::StorageFull : Refusal::StorageUnavailable;
}

std::string wait_text(std::string_view what, std::chrono::seconds wait) {
  return std::string(what) + ": wait " + std::to_string(wait.count()) + " s";
}

}  // namespace

Submission::Submission(const SubmissionContext& context, const Submitter& submitter)
    : context_(context), submitter_(submitter) {}

Submission::~Submission() {
  if (reserved_ > 0) context_.quota.release(principal_.account, reserved_);
}

operator_log::Client Submission::client() const { return {principal_.account, principal_.key, submitter_.address}; }

Verdict Submission::judge_sender(const std::optional<Mailbox>& reverse_path) {
  const Instant now = context_.clock.now();
  auth::AuthResult fresh = context_.authenticator.refresh(submitter_.key, submitter_.address, now);
  if (const auto* refusal = std::get_if<Refusal>(&fresh)) {
    const bool is_key_dead = *refusal != Refusal::AuthUnavailable;
    operator_log::auth_failed(*refusal, submitter_.address);
    return Verdict::refuse(open_session_refusal_status(*refusal), is_key_dead);
  }
  principal_ = std::move(std::get<auth::Principal>(fresh));
  if (const auto room = context_.store.spool().can_accept(); !room) {
    const Refusal refusal = storage_refusal(room.error());
    operator_log::sender_refused(client(), refusal, reverse_path);
    return Verdict::refuse(refusal_status(refusal));
  }
  Verdict verdict = judge_reverse_path(principal_, reverse_path);
  if (!verdict.is_accepted()) {
    const bool is_suspended = principal_.account_state == store::AccountState::Suspended;
    operator_log::sender_refused(client(), is_suspended ? Refusal::AccountSuspended : Refusal::SenderNotAllowed, reverse_path);
    return verdict;
  }
  routes_ = context_.routes();
  return judge_rate(reverse_path, now);
}

// PRODUCT.md section 3: test keys never count.
Verdict Submission::judge_rate(const std::optional<Mailbox>& reverse_path, Instant now) {
  if (principal_.environment == Environment::Test) return Verdict::accept();
  const QuotaAnswer answer =
      context_.quota.take_message(principal_.account, principal_.plan, principal_.key, principal_.key_per_second, now);
  if (answer.kind == QuotaAnswer::Kind::Granted) return Verdict::accept();
  operator_log::sender_refused(client(), Refusal::RateLimited, reverse_path);
  return Verdict::refuse(refusal_status(Refusal::RateLimited, wait_text("too many messages a second", answer.wait)));
}

Verdict Submission::judge_recipient(const Recipient& recipient) {
  RecipientFacts facts;
  facts.simulator_domain = context_.settings.simulator_domain;
  const bool is_live = principal_.environment == Environment::Live;
  if (is_live && principal_.account_mode == AccountMode::Sandbox) {
    const auto listed = context_.store.directory().is_whitelisted(principal_.account, normalised_mailbox(recipient.mailbox));
    if (!listed) return Verdict::refuse(refusal_status(Refusal::StorageUnavailable));
    facts.is_whitelisted = *listed;
  }
  facts.has_route = routes_->find(normalised_domain(recipient.mailbox.domain)) != nullptr;
  Verdict verdict = relay::judge_recipient(principal_, recipient, facts);
  if (!verdict.is_accepted()) {
    if (is_live) operator_log::recipient_refused(client(), live_refusal(facts), recipient.mailbox);
    return verdict;
  }
  if (!is_live) return verdict;
  const QuotaAnswer answer = context_.quota.reserve(principal_.account, principal_.plan, 1, context_.clock.now());
  if (answer.kind != QuotaAnswer::Kind::Granted) {
    operator_log::recipient_refused(client(), Refusal::QuotaExceeded, recipient.mailbox);
    return Verdict::refuse(refusal_status(Refusal::QuotaExceeded, wait_text("the quota is used up", answer.wait)));
  }
  ++reserved_;
  return verdict;
}

Verdict Submission::open(const Envelope& envelope, TraceFacts trace) {
  POSTERN_CHECK(!writer_ && !envelope.recipients.empty());
  if (const auto room = context_.store.spool().can_accept(); !room) {
    const Refusal refusal = storage_refusal(room.error());
    operator_log::message_refused(client(), refusal, std::nullopt);
    return Verdict::refuse(refusal_status(refusal));
  }
  envelope_ = &envelope;
  trace_ = std::move(trace);
  opened_at_ = context_.clock.now();
  writer_ = context_.store.spool().open_message(make_message_id(opened_at_, context_.random));
  return Verdict::accept();
}

bool Submission::append(std::string_view content) {
  if (content_refusal_) return true;
  if (!header_done_) {
    content.remove_prefix(header_.feed(content));
    if (header_.state() == HeaderScan::State::TooBig) refuse_content(Refusal::HeaderTooBig);
    if (header_.state() == HeaderScan::State::Complete) begin_content();
    if (content_refusal_ || !header_done_) return true;
  }
  if (signing_) signing_->append(content);
  return content.empty() || writer_->append(content);
}

// The header section is known: what it must not hold, what is added, and what goes on top of it.
void Submission::begin_content() {
  header_done_ = true;
  if (header_.count("Received") > context_.settings.max_received_fields) return refuse_content(Refusal::MailLoop);
  const HeaderField* from = header_.find("From");
  const bool may_send = may_use_from(principal_, from ? address_domains(from->value) : std::nullopt) && header_.count("From") <= 1;
  if (!may_send && !principal_.from_domains.empty()) return refuse_content(Refusal::SenderNotAllowed);

  const std::string id = format_message_id(writer_->id());
  const std::string trace = smtp::format_trace_header({.helo_name = trace_.helo_name,
                                                       .client = submitter_.address,
                                                       .hostname = context_.settings.hostname,
                                                       .protocol = trace_.protocol,
                                                       .message_id = id,
                                                       .tls = trace_.tls,
                                                       .at = opened_at_});
  trace_octets_ = static_cast<std::uint32_t>(trace.size());
  writer_->append(trace);
  const std::string fixed = fixed_header(header_, id, context_.settings.hostname, opened_at_);
  begin_signing();
  if (signing_) signing_->append(fixed);
  writer_->append(fixed);
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

void Submission::refuse_content(Refusal refusal) {
  content_refusal_ = refusal;
  operator_log::message_refused(client(), refusal, writer_->id());
  writer_.reset();
}

// For the log: which rule of relay/recipient_policy it was.
Refusal Submission::live_refusal(const RecipientFacts& facts) const {
  const bool is_boxed = principal_.account_mode == AccountMode::Sandbox && !facts.is_whitelisted;
  if (is_boxed) return Refusal::RecipientNotWhitelisted;
  return facts.has_route ? Refusal::InvalidRecipient : Refusal::NoRoute;
}

net::Awaitable<void> Submission::drain() {
  if (!writer_) co_return;
  store::MessageWriter* writer = writer_.get();
  // An error shows again at commit, which then fails.
  const Result<void> ignored = co_await await_completion([writer](store::Completion done) { writer->drain(std::move(done)); });
  static_cast<void>(ignored);
}

store::MessageRecord Submission::make_record(Instant now) const {
  store::MessageRecord record;
  record.id = writer_->id();
  record.account = principal_.account;
  record.key = principal_.key;
  record.environment = principal_.environment;
  record.user_name = submitter_.user_name;
  record.envelope = *envelope_;
  record.accepted_at = now;
  record.client_address = submitter_.address;
  record.helo_name = trace_.helo_name;
  record.trace_octets = trace_octets_;
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

net::Awaitable<Verdict> Submission::commit() {
  if (!header_done_ && !content_refusal_) {
    header_.finish();
    begin_content();
  }
  if (content_refusal_) co_return Verdict::refuse(refusal_status(*content_refusal_));

  const Instant now = context_.clock.now();
  store::MessageRecord record = make_record(now);
  record.signature_fields = finish_signing();
  const MessageId id = record.id;
  const std::uint64_t octets = writer_->octets();
  Event accepted;
  accepted.at = now;
  accepted.type = EventType::MessageAccepted;
  accepted.account = record.account;
  accepted.message = id;
  accepted.environment = record.environment;
  accepted.detail = submitter_.user_name;

  store::Spool* spool = &context_.store.spool();
  store::DeliveryRecord delivery = make_delivery(record);
  // Both live in this frame until the completion has come.
  auto start = [this, spool, &record, &delivery, &accepted](store::Completion done) {
    store::NewMessage message{.record = std::move(record), .delivery = std::move(delivery), .events = {}, .claim = {}};
    message.events.push_back(std::move(accepted));
    spool->commit(std::move(writer_), std::move(message), std::move(done));
  };
  const Result<void> committed = co_await await_completion(start);
  if (!committed) {
    operator_log::message_not_stored(client(), id, committed.error());
    co_return Verdict::refuse(refusal_status(storage_refusal(committed.error())));
  }
  reserved_ = 0;
  operator_log::message_accepted(client(), {id, principal_.environment, envelope_->recipients.size(), octets});
  context_.wake_queue();
  co_return Verdict::accept_with(Status{250, EnhancedCode{2, 0, 0}, "Queued as " + format_message_id(id)});
}

}  // namespace postern::relay
