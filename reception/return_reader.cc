#include "reception/return_reader.h"

#include "core/case_fold.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "reception/synced.h"
#include "relay/event_publisher.h"
#include "relay/suppression.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace postern::reception {
namespace {

using store::RecipientStage;

metrics::Counter returned_mails("postern_returned_mails_total", "What came back, by what it was.",
                                {{"kind", {"report", "complaint", "feedback", "auto_reply", "challenge", "other"}}});

constexpr std::size_t kReadAtOnce = 100;
constexpr std::string_view kNobodyNamed = "a later relay";  // events of a bounce always name who said it

bool is_same_address(std::string_view reported, const Mailbox& recipient) {
  const auto mailbox = parse_mailbox(reported);
  return mailbox && fold_case(normalised_mailbox(*mailbox)) == fold_case(normalised_mailbox(recipient));
}

std::optional<std::uint32_t> recipient_named(const store::StoredMessage& about, std::string_view address) {
  const auto& recipients = about.message.envelope.recipients;
  for (std::uint32_t i = 0; i < recipients.size(); ++i) {
    if (is_same_address(address, recipients[i].mailbox)) return i;
  }
  if (recipients.size() == 1) return 0;
  return std::nullopt;
}

// Makes the settlement recipient by recipient.
class Settling {
 public:
  Settling(const store::StoredMessage& about, Instant now) : about_(about), now_(now) {
    consequences_.settlement.id = about.message.id;
  }

  void complain(std::string_view address, std::string_view type) {
    const auto index = recipient_named(about_, address);
    if (!index) return find(std::string(address) + ": complaint (" + std::string(type) + ") of nobody it was sent to");
    find(name_of(*index) + ": complaint (" + std::string(type) + ")");
    if (!may_become(*index, RecipientStage::Complained)) return;
    store::RecipientState state = about_.delivery.recipients[*index];
    state.stage = RecipientStage::Complained;
    tell(*index, EventType::RecipientComplained, state);
    change(*index, std::move(state));
  }

  void report(const ReturnedRecipient& said) {
    const auto index = recipient_named(about_, said.address);
    const std::string what = std::string(relay::failure_class_name(said.about)) + ": " + format_status(said.status);
    if (!index) return find((said.address.empty() ? "nobody" : said.address) + ": not one that it was sent to; " + what);
    switch (said.outcome) {
      case ReturnedOutcome::Delivered:
        return find(name_of(*index) + ": delivered");
      case ReturnedOutcome::Delayed:
        find(name_of(*index) + ": delayed, " + what);
        return tell(*index, EventType::RecipientDeferred, state_after(*index, said));
      case ReturnedOutcome::Failed:
        break;
    }
    find(name_of(*index) + ": failed, " + what);
    if (!may_become(*index, RecipientStage::Bounced)) return;
    store::RecipientState state = state_after(*index, said);
    state.stage = RecipientStage::Bounced;
    tell(*index, EventType::RecipientBounced, state);
    change(*index, std::move(state));
  }

  void find(std::string sentence) {
    if (consequences_.findings.size() < store::kMaxInboundFindings) consequences_.findings.push_back(std::move(sentence));
  }
  Consequences take() { return std::move(consequences_); }

 private:
  std::string name_of(std::uint32_t index) const { return format_mailbox(about_.message.envelope.recipients[index].mailbox); }

  bool may_become(std::uint32_t index, RecipientStage stage) const {
    const bool is_changed = std::ranges::any_of(consequences_.settlement.changes,
                                                [&](const store::RecipientChange& change) { return change.index == index; });
    if (is_changed) return false;
    const RecipientStage now = about_.delivery.recipients[index].stage;
    return now == RecipientStage::Delivered || (now == RecipientStage::Bounced && stage == RecipientStage::Complained);
  }

  store::RecipientState state_after(std::uint32_t index, const ReturnedRecipient& said) const {
    store::RecipientState state = about_.delivery.recipients[index];
    state.last_status = said.status;
    state.remote = said.remote.empty() ? std::string(kNobodyNamed) : said.remote;
    state.is_own_word = false;
    return state;
  }

  void tell(std::uint32_t index, EventType type, const store::RecipientState& state) {
    Event event;
    event.at = now_;
    event.type = type;
    event.account = about_.message.account;
    event.message = about_.message.id;
    event.environment = about_.message.environment;
    event.recipient = name_of(index);
    event.status = state.last_status;
    event.detail = state.remote;
    consequences_.settlement.events.push_back(std::move(event));
  }
  void change(std::uint32_t index, store::RecipientState state) {
    consequences_.settlement.changes.push_back({index, std::move(state)});
  }

  const store::StoredMessage& about_;
  const Instant now_;
  Consequences consequences_;
};

bool note(store::Spool& spool, store::InboundRecord inbound) {
  const Result<void> noted = wait_for_sync([&](Completion done) { spool.note_inbound(std::move(inbound), std::move(done)); });
  if (!noted) operator_log::maintenance_failed("inbound", noted.error());
  return noted.has_value();
}

}  // namespace

Consequences consequences_of(const ReturnedMail& mail, const store::StoredMessage& about, Instant now) {
  Settling settling(about, now);
  if (mail.kind == ReturnedKind::Report) {
    for (const ReturnedRecipient& recipient : mail.recipients) settling.report(recipient);
  } else if (mail.kind == ReturnedKind::Complaint) {
    for (const ReturnedRecipient& recipient : mail.recipients) settling.complain(recipient.address, mail.feedback_type);
    if (mail.recipients.empty()) settling.complain({}, mail.feedback_type);
  } else if (mail.kind == ReturnedKind::Feedback) {
    settling.find("feedback: " + mail.feedback_type);
  }
  return settling.take();
}

void ReturnReader::wake() {
  net::asio::post(executor_, [this] { read_all(); });
}

void ReturnReader::read_all() {
  std::optional<MessageId> after;
  for (;;) {
    const auto unread = context_.store.spool().unread_inbound(after, kReadAtOnce);
    if (!unread) return operator_log::maintenance_failed("inbound", unread.error());
    for (const store::InboundRecord& inbound : *unread) {
      const bool is_return = inbound.about && inbound.kind.empty();
      if (!(is_return ? read(inbound) : forward(inbound))) return;
      after = inbound.id;
    }
    if (unread->size() < kReadAtOnce) return;
  }
}

bool ReturnReader::forward(store::InboundRecord inbound) {
  if (const auto done = forwarder_.forward(inbound); !done) {
    operator_log::maintenance_failed("forward", done.error());
    return false;
  }
  changed_();
  return note(context_.store.spool(), std::move(inbound));
}

Result<std::string> ReturnReader::load(const MessageId& id, std::uint32_t chunks) const {
  std::string content;
  for (std::uint32_t i = 0; i < chunks && content.size() < kMaxReadOctets; ++i) {
    const auto chunk = context_.store.spool().read_chunk(id, i);
    if (!chunk) return chunk.error();
    content.append(*chunk);
  }
  return content;
}

// False, as above: the store does not write; it is read again at the next waking.
bool ReturnReader::read(const store::InboundRecord& inbound) {
  store::Spool& spool = context_.store.spool();
  store::InboundRecord noted = inbound;
  const auto itself = spool.find(inbound.id);
  const auto about = spool.find(*inbound.about);
  if (!itself || !about) return false;
  const auto content = *itself ? load(inbound.id, (*itself)->message.chunk_count) : Result<std::string>(std::string());
  const ReturnedMail mail = content ? read_returned_mail(*content) : ReturnedMail{};
  noted.kind = returned_kind_name(mail.kind);
  returned_mails.at(static_cast<std::size_t>(mail.kind)).add();
  if (!*about) {
    noted.findings = {"the message that it is about is gone"};
    return note(spool, std::move(noted));
  }
  Consequences consequences = consequences_of(mail, **about, context_.clock.now());
  noted.findings = std::move(consequences.findings);
  operator_log::returned_mail_read(inbound.id, *inbound.about, noted.kind, consequences.settlement.events.size());
  relay::Publication publication{.settlement = std::move(consequences.settlement), .notices = {}};
  if (!publication.settlement.events.empty()) {
    // The list first: an event without it would not be mended by reading again.
    relay::suppress_later(context_.store.directory(), (*about)->message.account, relay::suppressions_of(**about, publication));
    relay::log_publication(**about, publication, "return-path", context_.store.tally());
    const Result<void> result =
        wait_for_sync([&](Completion done) { spool.settle(std::move(publication.settlement), std::move(done)); });
    if (!result && result.error().code() != ErrorCode::NotFound) return false;
    changed_();
  }
  return note(spool, std::move(noted));
}

}  // namespace postern::reception
