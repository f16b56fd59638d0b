#include "api/email_filter.h"

#include "api/email_json.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/time_format.h"

#include <algorithm>

namespace postern::api {

Result<std::optional<Instant>> read_time_filter(const std::optional<std::string_view>& text, std::string_view name) {
  if (!text) return std::optional<Instant>();
  const auto instant = parse_rfc3339(*text);
  if (!instant) return Error(ErrorCode::InvalidArgument, std::string(name) + ": no time such as 2030-01-31T12:00:00Z");
  return instant;
}

namespace {

std::string comparable(const Mailbox& mailbox) { return to_ascii_lower(normalised_mailbox(mailbox)); }

Result<std::optional<std::string>> read_address_filter(const EmailFilter::Given& given, std::string_view name) {
  const auto text = given(name);
  if (!text) return std::optional<std::string>();
  const auto mailbox = parse_mailbox(*text);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, std::string(name) + ": no address");
  return std::optional(comparable(*mailbox));
}

std::optional<std::string> read_text_filter(const EmailFilter::Given& given, std::string_view name) {
  const auto text = given(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

bool is_one_of(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

bool has_recipient(const store::MessageRecord& message, const std::string& wanted) {
  return std::ranges::any_of(message.envelope.recipients,
                             [&](const Recipient& recipient) { return comparable(recipient.mailbox) == wanted; });
}

// As the summary has it, "Name <a@b>" or the address alone, or else the reverse-path.
bool is_from(const store::MessageRecord& message, const std::string& wanted) {
  std::string_view from = message.summary.from;
  if (from.ends_with('>')) from = from.substr(from.rfind('<') + 1).substr(0, from.size() - from.rfind('<') - 2);
  const auto author = parse_mailbox(from);
  if (author && comparable(*author) == wanted) return true;
  return !author && message.envelope.reverse_path && comparable(*message.envelope.reverse_path) == wanted;
}

bool has_tag(const store::MessageRecord& message, std::string_view wanted) {
  const std::size_t colon = wanted.find(':');
  const std::string_view name = wanted.substr(0, colon);
  return std::ranges::any_of(message.summary.tags, [&](const auto& tag) {
    return tag.first == name && (colon == std::string_view::npos || tag.second == wanted.substr(colon + 1));
  });
}

std::string without_angle_brackets(std::string_view id) {
  const bool has_them = id.size() >= 2 && id.front() == '<' && id.back() == '>';
  return std::string(has_them ? id.substr(1, id.size() - 2) : id);
}

// A record of before it was stored tells only the one that the relay made of the message's id.
bool has_message_id(const store::MessageRecord& message, std::string_view wanted) {
  if (!message.summary.message_id.empty()) return message.summary.message_id == wanted;
  return wanted.substr(0, wanted.find('@')) == format_message_id(message.id);
}

bool holds_text(std::string_view field, const std::string& wanted) {
  return to_ascii_lower(field).find(wanted) != std::string::npos;
}

bool has_text(const store::MessageRecord& message, const std::string& wanted) {
  const auto is_in_recipient = [&](const Recipient& recipient) { return holds_text(format_mailbox(recipient.mailbox), wanted); };
  return holds_text(message.summary.from, wanted) || holds_text(message.summary.subject, wanted) ||
         holds_text(message.summary.message_id, wanted) || std::ranges::any_of(message.envelope.recipients, is_in_recipient);
}

// Below every message of that instant and later: ids sort by time, and a message is accepted soon after it got its id.
MessageId first_id_of(Instant instant) {
  MessageId id;
  auto rest = static_cast<std::uint64_t>(std::max<Duration::rep>(instant.time_since_epoch().count(), 0));
  for (std::size_t i = 8; i-- > 0; rest >>= 8) id.octets[i] = static_cast<std::uint8_t>(rest & 0xff);
  return id;
}

}  // namespace

Result<EmailFilter> EmailFilter::read(const Given& given) {
  EmailFilter filter;
  auto to = read_address_filter(given, "to");
  if (!to) return to.error();
  auto from = read_address_filter(given, "from");
  if (!from) return from.error();
  filter.to_ = std::move(*to);
  filter.from_ = std::move(*from);
  filter.subject_ = read_text_filter(given, "subject");
  if (filter.subject_) filter.subject_ = to_ascii_lower(*filter.subject_);
  filter.tag_ = read_text_filter(given, "tag");
  filter.run_ = read_text_filter(given, "run");
  filter.message_id_ = read_text_filter(given, "message_id");
  if (filter.message_id_) filter.message_id_ = without_angle_brackets(*filter.message_id_).substr(0, store::kMaxSummaryOctets);
  if (const auto key = given("key")) {
    filter.key_ = parse_key_id(*key);
    if (!filter.key_) return Error(ErrorCode::InvalidArgument, "key: no id of a key");
  }
  filter.text_ = read_text_filter(given, "q");
  if (filter.text_) filter.text_ = to_ascii_lower(*filter.text_);
  auto since = read_time_filter(given("since"), "since");
  if (!since) return since.error();
  auto until = read_time_filter(given("until"), "until");
  if (!until) return until.error();
  filter.since_ = *since;
  filter.until_ = *until;
  filter.status_ = read_text_filter(given, "status");
  if (filter.status_ && !is_one_of(kLastEvents, *filter.status_)) {
    return Error(ErrorCode::InvalidArgument, "status: one of " + std::string(kLastEvents));
  }
  if (const auto environment = given("environment")) {
    const bool is_known = *environment == "live" || *environment == "test";
    if (!is_known) return Error(ErrorCode::InvalidArgument, "environment: live or test");
    filter.environment_ = *environment == "live" ? Environment::Live : Environment::Test;
  }
  return filter;
}

Result<EmailFilter> EmailFilter::read(const ApiRequest& request) {
  return read([&request](std::string_view name) { return request.query_parameter(name); });
}

std::optional<MessageId> EmailFilter::newest() const {
  return until_ ? std::optional(first_id_of(*until_)) : std::nullopt;
}

bool EmailFilter::is_too_old(const store::MessageRecord& message) const {
  constexpr Duration kLongestArrival = std::chrono::hours(1);  // of a message from its id to its acceptance
  return since_ && message.id.created() + kLongestArrival < *since_;
}

bool EmailFilter::wants(const store::StoredMessage& stored) const {
  if (environment_ && stored.message.environment != *environment_) return false;
  if (since_ && stored.message.accepted_at < *since_) return false;
  if (until_ && stored.message.accepted_at >= *until_) return false;
  if (status_ && last_event_name(stored.delivery) != *status_) return false;
  return has_content(stored.message) && (!to_ || has_recipient(stored.message, *to_));
}

bool EmailFilter::wants(const Event& event, const store::StoredMessage* stored) const {
  const bool names_recipient = !event.recipient.empty();
  if (to_ && names_recipient) {
    const auto recipient = parse_mailbox(event.recipient);
    if (!recipient || comparable(*recipient) != *to_) return false;
  }
  if (stored == nullptr) return !asks_for_content() && (!to_ || names_recipient);
  return has_content(stored->message) && (!to_ || names_recipient || has_recipient(stored->message, *to_));
}

bool EmailFilter::has_content(const store::MessageRecord& message) const {
  if (run_ && run_of(message) != *run_) return false;
  if (key_ && message.key != *key_) return false;
  if (text_ && !has_text(message, *text_)) return false;
  if (message_id_ && !has_message_id(message, *message_id_)) return false;
  if (subject_ && to_ascii_lower(message.summary.subject).find(*subject_) == std::string::npos) return false;
  if (tag_ && !has_tag(message, *tag_)) return false;
  return !from_ || is_from(message, *from_);
}

}  // namespace postern::api
