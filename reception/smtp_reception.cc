#include "reception/smtp_reception.h"

#include "core/metrics.h"
#include "core/operator_log.h"
#include "net/await_completion.h"
#include "reception/addresses.h"
#include "reception/door_checks.h"
#include "reception/received_message.h"
#include "smtp/trace_header.h"
#include "submission/judge.h"
#include "submission/reply.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::reception {
namespace {

metrics::Counter taken_in("postern_inbound_messages_total", "Messages that were taken in, synced and acknowledged.");
metrics::Counter dropped("postern_inbound_dropped_total", "Messages that a route had dropped: acknowledged and not kept.");
metrics::Counter turned_down("postern_inbound_refused_total", "Refusals at mx listeners: senders, recipients, messages, commands.");

// One transaction: from the first recipient that was accepted to the commit.
class Arrival final : public smtp::ContentSink {
 public:
  Arrival(const ReceptionContext& context, Addressee addressee)
      : context_(context), addressee_(addressee), at_(context.clock.now()), id_(make_message_id(at_, context.random)) {
    if (addressee.is_kept) writer_ = context.store.spool().open_message(id_, addressee.account);
  }

  // The header section is held until it is whole: what pretends to be ours in it is left out.
  bool append(std::string_view content) override {
    const bool is_in_header = header().state() == mime::HeaderScan::State::Reading;
    content.remove_prefix(check_.append(content));
    if (header().state() == mime::HeaderScan::State::Reading) return true;
    if (is_in_header) write_header();
    return !writer_ || writer_->append(content);
  }
  // On top of what comes. `trace`: with its line ends.
  void begin(const std::string& trace) {
    trace_octets_ = static_cast<std::uint32_t>(trace.size());
    if (writer_) writer_->append(trace);
  }
  void finish() {
    if (header().state() != mime::HeaderScan::State::Reading) return;
    check_.finish_header();
    write_header();
  }

  const MessageId& id() const { return id_; }
  Instant at() const { return at_; }
  bool is_kept() const { return writer_ != nullptr; }
  const mime::HeaderScan& header() const { return check_.header(); }
  provenance::MessageCheck& check() { return check_; }
  const Addressee& addressee() const { return addressee_; }
  store::MessageWriter* writer() { return writer_.get(); }
  std::unique_ptr<store::MessageWriter> take_writer() { return std::move(writer_); }

  store::NewMessage message(const Envelope& envelope, const smtp::PeerFacts& peer, std::string_view helo_name,
                            const std::vector<std::string>& told_by, const DoorVerdict& door) const {
    return received_message(context_, {.id = id_,
                                       .at = at_,
                                       .addressee = addressee_,
                                       .envelope = envelope,
                                       .header = header(),
                                       .told_by = told_by,
                                       .door = door,
                                       .client = peer.address,
                                       .helo_name = helo_name,
                                       .trace_octets = trace_octets_});
  }

 private:
  void write_header() {
    if (!writer_ || header().state() == mime::HeaderScan::State::TooBig) return;
    writer_->append(without_forged_results(header(), context_.settings.hostname));
    if (header().has_empty_line()) writer_->append("\r\n");
    writer_->append(header().body_start());
  }

  const ReceptionContext& context_;
  const Addressee addressee_;
  const Instant at_;
  const MessageId id_;
  std::unique_ptr<store::MessageWriter> writer_;  // nullptr: nothing of it is kept
  provenance::MessageCheck check_;
  std::uint32_t trace_octets_ = 0;
};

class MxConversation final : public smtp::Conversation {
 public:
  MxConversation(const ReceptionContext& context, SmtpReception& reception, const smtp::PeerFacts& peer)
      : context_(context), reception_(reception), peer_(peer) {}

  net::Awaitable<smtp::AuthenticateAnswer> authenticate(const smtp::Credential&, smtp::SessionFacts) override {
    co_return smtp::AuthenticateAnswer{submission::reply_to_credential(Refusal::InvalidKey)};  // the session never asks
  }
  smtp::Verdict judge_sender(const smtp::JudgeSender& question) override;
  smtp::Verdict judge_recipient(const smtp::JudgeRecipient& question) override;
  smtp::OpenAnswer open_message(const smtp::OpenMessage& question, smtp::SessionFacts facts) override;
  net::Awaitable<void> drain_content() override;
  net::Awaitable<smtp::CommitAnswer> commit_message() override;
  void abandon_message() override { forget(); }

 private:
  smtp::Verdict refuse(Refused why) {
    turned_down.add();
    return submission::reply_of(Decision(std::move(why)));
  }
  void forget() {
    arrival_.reset();
    addressee_.reset();
    told_by_.clear();
  }
  void add_forward(const store::InboundForward& forward);
  std::optional<Refused> find_fault() const;
  net::Awaitable<DoorVerdict> check_message();

  const ReceptionContext& context_;
  SmtpReception& reception_;
  const smtp::PeerFacts peer_;
  std::string helo_name_;
  std::uint32_t refused_recipients_ = 0;
  // Of the transaction.
  std::string reverse_path_;            // empty: the null one
  std::optional<Addressee> addressee_;  // of the recipients so far
  std::vector<std::string> told_by_;    // by recipient
  const Envelope* envelope_ = nullptr;  // the session's, while a message is open
  std::unique_ptr<Arrival> arrival_;
};

smtp::Verdict MxConversation::judge_sender(const smtp::JudgeSender& question) {
  forget();
  const auto& reverse_path = *question.reverse_path;
  reverse_path_ = reverse_path ? format_mailbox(*reverse_path) : std::string();
  if (!reception_.may_send(peer_.address)) {
    return refuse({.refusal = Refusal::RateLimited, .detail = "too many messages from your network: wait 1 s"});
  }
  if (const auto room = context_.store.spool().can_accept(); !room) return refuse(submission::storage_refusal(room.error()));
  return smtp::Verdict::accept();
}

smtp::Verdict MxConversation::judge_recipient(const smtp::JudgeRecipient& question) {
  auto found = find_addressee(context_, question.recipient->mailbox);
  if (auto* refused = std::get_if<Refused>(&found)) {
    if (++refused_recipients_ > kMaxRefusedRecipients) refused->refusal = Refusal::TooManyFailures;
    return refuse(std::move(*refused));
  }
  const Addressee& addressee = std::get<Addressee>(found);
  if (!addressee.about) {
    if (auto wait = reception_.wait_of({peer_.address, reverse_path_, format_mailbox(question.recipient->mailbox)})) {
      return refuse({.refusal = Refusal::Greylisted,
                     .detail = "nobody like you was here before: try again in " + std::to_string(wait->count()) + " s"});
    }
  }
  if (addressee_ && !addressee_->goes_with(addressee)) return refuse({.refusal = Refusal::AnotherAccount});
  if (!addressee_) {
    addressee_ = addressee;
    addressee_->forwards.clear();
  }
  addressee_->is_kept = addressee_->is_kept || addressee.is_kept;
  for (const store::InboundForward& forward : addressee.forwards) add_forward(forward);
  told_by_.push_back(addressee.told_by);
  return smtp::Verdict::accept();
}

// Nobody gets it twice; what is too much is said where it is listed.
void MxConversation::add_forward(const store::InboundForward& forward) {
  auto& forwards = addressee_->forwards;
  const bool is_there = std::ranges::any_of(forwards, [&](const auto& one) { return one.destination == forward.destination; });
  if (!is_there && forwards.size() <= store::kMaxForwardsOfInbound) forwards.push_back(forward);
}

smtp::OpenAnswer MxConversation::open_message(const smtp::OpenMessage& question, smtp::SessionFacts facts) {
  const bool is_tls = facts.tls != nullptr && facts.tls->has_value();
  helo_name_ = facts.helo_name;
  envelope_ = question.envelope;
  arrival_ = std::make_unique<Arrival>(context_, *addressee_);
  smtp::TraceHeader::Client client{.helo_name = facts.helo_name, .address = peer_.address};
  const std::string id = format_message_id(arrival_->id());
  const std::string tls = is_tls ? (*facts.tls)->version + ' ' + (*facts.tls)->cipher : std::string();
  const std::string protocol = smtp::trace_protocol(facts.said_ehlo, is_tls, false, envelope_->parameters.smtputf8);
  // RFC 5321 §4.4: whoever delivers keeps the reverse-path with the message.
  std::string top = "Return-Path: " + format_path(envelope_->reverse_path) + "\r\n";
  top += smtp::format_trace_header({.client = client,
                                    .hostname = context_.settings.hostname,
                                    .protocol = protocol,
                                    .message_id = id,
                                    .tls = tls,
                                    .at = arrival_->at()});
  arrival_->begin(top);
  return {arrival_.get(), std::nullopt};
}

net::Awaitable<void> MxConversation::drain_content() {
  store::MessageWriter* const writer = arrival_->writer();
  if (writer == nullptr) co_return;
  // An error shows again at the commit, which then fails.
  const Result<void> ignored = co_await net::await_completion([writer](Completion done) { writer->drain(std::move(done)); });
  static_cast<void>(ignored);
}

std::optional<Refused> MxConversation::find_fault() const {
  if (arrival_->header().state() == mime::HeaderScan::State::TooBig) return Refused{.refusal = Refusal::HeaderTooBig};
  if (arrival_->header().count("Received") > context_.settings.max_received_fields) return Refused{.refusal = Refusal::MailLoop};
  return std::nullopt;
}

// What came back is believed of its address alone.
net::Awaitable<DoorVerdict> MxConversation::check_message() {
  if (arrival_->addressee().about) co_return DoorVerdict{};
  provenance::SpfSubject subject;
  subject.client = peer_.address;
  subject.helo = helo_name_;
  subject.receiver = context_.settings.hostname;
  subject.now = arrival_->at();
  if (envelope_->reverse_path) subject.sender = format_mailbox(*envelope_->reverse_path);
  DoorVerdict door = co_await check_at_door(arrival_->check(), context_.resolver, std::move(subject), arrival_->addressee().policy,
                                            context_.settings.check_limit);
  co_return door;
}

net::Awaitable<smtp::CommitAnswer> MxConversation::commit_message() {
  arrival_->finish();
  if (auto fault = find_fault()) {
    forget();
    co_return smtp::CommitAnswer{refuse(std::move(*fault))};
  }
  const MessageId id = arrival_->id();
  if (!arrival_->is_kept()) {
    dropped.add();
    forget();
    co_return smtp::CommitAnswer{submission::reply_with_id(id)};
  }
  DoorVerdict door = co_await check_message();
  if (door.refused) {
    forget();
    co_return smtp::CommitAnswer{refuse(std::move(*door.refused))};
  }
  store::NewMessage message = arrival_->message(*envelope_, peer_, helo_name_, told_by_, door);
  const store::InboundRecord inbound = *message.inbound;
  std::unique_ptr<store::MessageWriter> writer = arrival_->take_writer();
  store::Spool* const spool = &context_.store.spool();
  auto start = [spool, &writer, &message](Completion done) {
    spool->commit(std::move(writer), std::move(message), std::move(done));
  };
  const Result<void> committed = co_await net::await_completion(start);
  forget();
  if (!committed) {
    const Error error = committed.error();
    co_return smtp::CommitAnswer{refuse(submission::storage_refusal(error))};
  }
  taken_in.add();
  operator_log::message_received(inbound.id, inbound.account, inbound.about, inbound.recipients.size());
  context_.taken_in(inbound.is_unread());
  co_return smtp::CommitAnswer{submission::reply_with_id(id)};
}

}  // namespace

std::unique_ptr<smtp::Conversation> SmtpReception::open_conversation(const smtp::PeerFacts& peer) {
  return std::make_unique<MxConversation>(context_, *this, peer);
}

// Every stranger's slip would be a line: they are counted.
void SmtpReception::refused(const IpAddress&, std::string_view) {
  turned_down.add();
}

std::optional<std::chrono::seconds> SmtpReception::wait_of(const Newcomer& newcomer) {
  if (context_.settings.greylist_delay == Duration{0} || newcomer.peer.is_loopback()) return std::nullopt;
  const Instant now = context_.clock.now();
  const std::lock_guard lock(mutex_);
  return greylist_.wait_of(newcomer, context_.settings.greylist_delay, now);
}

bool SmtpReception::may_send(const IpAddress& peer) {
  if (peer.is_loopback()) return true;
  const std::uint32_t rate = context_.settings.messages_per_second;
  const Instant now = context_.clock.now();
  const std::lock_guard lock(mutex_);
  auto [bucket, is_new] = peers_.touch(limit_group(peer));
  if (is_new) bucket = TokenBucket::full(rate, now);
  const bool may = !bucket.take(rate, 1, now);
  peers_.shrink_to(kMaxPeersRemembered);
  return may;
}

}  // namespace postern::reception
