// A notice about a test message is a test message: it is captured and simulated like any other.
#include "relay/notices.h"

#include "core/bytes.h"
#include "core/operator_log.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::array kActions = {DsnAction::Failed, DsnAction::Delayed, DsnAction::Relayed, DsnAction::Delivered};

std::string_view kind_name(DsnAction action) {
  switch (action) {
    case DsnAction::Failed: return "failure";
    case DsnAction::Delayed: return "delay";
    case DsnAction::Delivered:
    case DsnAction::Relayed: return "success";
  }
  return "failure";
}

Event message_event(const store::MessageRecord& message, EventType type, Instant now, std::string detail) {
  Event event;
  event.at = now;
  event.type = type;
  event.account = message.account;
  event.message = message.id;
  event.environment = message.environment;
  event.detail = std::move(detail);
  return event;
}

store::MessageRecord notification_record(const store::MessageRecord& about, const MessageId& id, Instant now) {
  store::MessageRecord record;
  record.id = id;
  record.account = about.account;
  record.key = about.key;
  record.environment = about.environment;
  record.origin = store::MessageOrigin::Notification;
  record.user_name = about.user_name;
  record.has_own_clock = about.has_own_clock;
  record.accepted_at = now;
  Recipient recipient;
  recipient.mailbox = *about.envelope.reverse_path;
  // RFC 3461 §6.1: the null reverse-path, and NOTIFY=NEVER if any.
  recipient.notify.is_given = recipient.notify.never = true;
  record.envelope.parameters.smtputf8 = recipient.mailbox.needs_smtputf8();
  record.envelope.parameters.require_tls = about.envelope.parameters.require_tls;  // RFC 8689 §5
  record.envelope.recipients.push_back(std::move(recipient));
  return record;
}

// Up to and including the empty line that ends the header section.
std::string header_section(std::string content) {
  const std::size_t end = content.find("\r\n\r\n");
  if (end != std::string::npos) content.resize(end + 2);
  // Cut where the header section is longer than one chunk: at a line end.
  if (const std::size_t line = content.rfind("\r\n"); line != std::string::npos) content.resize(line + 2);
  return content;
}

}  // namespace

NoticeWriter::NoticeWriter(store::Store& store, Random& random, NoticeSettings settings)
    : store_(store), random_(random), settings_(std::move(settings)) {}

void NoticeWriter::add_owed(Publication& publication, const store::StoredMessage& stored, bool is_sender_routed, Instant now) {
  for (const DsnAction action : kActions) {
    const bool is_owed = std::any_of(publication.notices.begin(), publication.notices.end(),
                                     [action](const OwedNotice& notice) { return notice.action == action; });
    if (!is_owed) continue;
    const auto reason = withheld_because(stored.message, is_sender_routed);
    if (!reason) {
      add(publication, stored, action, now);
      continue;
    }
    operator_log::dsn_withheld(stored.message.id, kind_name(action), *reason);
    publication.settlement.events.push_back(
        message_event(stored.message, EventType::DsnWithheld, now, std::string(*reason)));
  }
}

// A sandboxed account reaches its whitelist and nobody else, by notices neither.
std::optional<std::string_view> NoticeWriter::withheld_because(const store::MessageRecord& message, bool is_sender_routed) const {
  if (message.environment == Environment::Test) return std::nullopt;
  if (message.forward_of) return "forwarded";
  if (!is_sender_routed) return "no_route";
  const auto account = store_.directory().find_account(message.account);
  if (!account) return "storage_unavailable";
  if (!*account) return std::nullopt;  // removed by an operator: what it left in the queue does not end in silence
  if ((*account)->mode == AccountMode::Production) return std::nullopt;
  const auto listed = store_.directory().is_whitelisted(message.account, normalised_mailbox(*message.envelope.reverse_path));
  if (!listed) return "storage_unavailable";
  if (!*listed) return "recipient_not_whitelisted";
  return std::nullopt;
}

void NoticeWriter::add(Publication& publication, const store::StoredMessage& stored, DsnAction action, Instant now) {
  const store::MessageRecord& message = stored.message;
  DsnFacts facts;
  const bool is_seven_bit = std::ranges::any_of(publication.notices, [action](const OwedNotice& notice) {
    return notice.action == action && is_seven_bit_way(notice.status);
  });
  facts.is_returned_whole = returns_whole(message.envelope, message.content_octets, action);
  std::string returned = returned_content(message, facts.is_returned_whole);
  if (facts.is_returned_whole && is_seven_bit && has_high_octet(returned)) {
    facts.is_returned_whole = false;
    returned = header_section(std::move(returned));
  }
  facts.hostname = settings_.hostname;
  facts.id = make_message_id(now, random_);
  facts.now = now;
  facts.envelope = &message.envelope;
  facts.about = message.id;
  facts.arrived = message.accepted_at;
  facts.returned = returned;
  for (const OwedNotice& notice : publication.notices) {
    if (notice.action != action) continue;
    facts.recipients.push_back(
        {&message.envelope.recipients[notice.index], action, notice.status, notice.remote, notice.is_own_word, notice.retry_until});
  }

  store::NewNotification notification;
  notification.message = notification_record(message, facts.id, now);
  notification.content = format_dsn(facts);
  if (has_high_octet(notification.content)) notification.message.envelope.parameters.body = BodyType::EightBitMime;
  notification.delivery.recipients.resize(1);
  notification.delivery.recipients.front().next_attempt = now;
  notification.delivery.due = now;
  notification.delivery.lane = store::lane_of_pending(notification.message, notification.delivery);
  if (message.environment == Environment::Test) notification.delivery.content_until = now + settings_.capture_retention;

  operator_log::dsn_queued(facts.id, message.id, kind_name(action));
  publication.settlement.events.push_back(
      message_event(message, EventType::DsnQueued, now, format_message_id(facts.id)));
  publication.settlement.notifications.push_back(std::move(notification));
}

std::string NoticeWriter::returned_content(const store::MessageRecord& message, bool is_whole) const {
  std::string content;
  const std::uint32_t wanted = is_whole ? message.chunk_count : std::min<std::uint32_t>(message.chunk_count, 1);
  for (std::uint32_t index = 0; index < wanted; ++index) {
    const auto chunk = store_.spool().read_chunk(message.id, index);
    if (!chunk) {
      operator_log::queue_storage_failed("read content", chunk.error(), message.id);
      break;
    }
    content.append(*chunk);
  }
  return is_whole ? content : header_section(std::move(content));
}

}  // namespace postern::relay
