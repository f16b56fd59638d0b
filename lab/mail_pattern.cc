#include "lab/mail_pattern.h"

#include "api/email_json.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "sandbox/glob.h"

#include <algorithm>

namespace postern::lab {
namespace {

std::string comparable(const Mailbox& mailbox) { return to_ascii_lower(normalised_mailbox(mailbox)); }

std::string without_brackets(std::string id) {
  return id.size() > 1 && id.front() == '<' && id.back() == '>' ? id.substr(1, id.size() - 2) : id;
}

std::optional<std::string> read_address(CheckedObject& object, std::string_view name) {
  auto text = object.text(name);
  if (!text) return std::nullopt;
  if (text->find('*') != std::string::npos) return to_ascii_lower(*text);
  const auto mailbox = parse_mailbox(*text);
  if (mailbox) return comparable(*mailbox);
  object.fail(name, "has to be an address, or a pattern with *");
  return std::nullopt;
}

bool is_word_of(std::string_view words, std::string_view word) {
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    if (words.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

bool is_recipient(const std::string& wanted, const Recipient& recipient) {
  return sandbox::fits_glob(wanted, comparable(recipient.mailbox));
}

bool is_from(const std::string& wanted, const store::MessageRecord& message) {
  std::string_view from = message.summary.from;
  if (from.ends_with('>')) from = from.substr(from.rfind('<') + 1).substr(0, from.size() - from.rfind('<') - 2);
  if (const auto author = parse_mailbox(from); author && sandbox::fits_glob(wanted, comparable(*author))) return true;
  const auto& sender = message.envelope.reverse_path;
  return sender && sandbox::fits_glob(wanted, comparable(*sender));
}

bool has_tag(const std::string& wanted, const store::MessageSummary& summary) {
  return std::ranges::any_of(summary.tags, [&](const auto& tag) {
    return wanted == tag.first || wanted == tag.first + ':' + tag.second;
  });
}

}  // namespace

MailPattern read_mail_pattern(CheckedObject& object) {
  MailPattern pattern;
  pattern.to = read_address(object, "to");
  pattern.from = read_address(object, "from");
  pattern.subject = object.text("subject");
  if (pattern.subject) pattern.subject = to_ascii_lower(*pattern.subject);
  pattern.tag = object.text("tag");
  pattern.message_id = object.text("message_id");
  if (pattern.message_id) pattern.message_id = without_brackets(std::move(*pattern.message_id));
  pattern.status = object.text("status");
  if (pattern.status && !is_word_of(kPatternStatuses, *pattern.status)) {
    object.fail("status", "has to be one of " + std::string(kPatternStatuses));
  }
  const auto kind = object.text("kind");
  if (kind && *kind != "mail" && *kind != "notice") object.fail("kind", "has to be mail or notice");
  pattern.wants_notices = kind == "notice";
  return pattern;
}

std::string_view status_of(const MailPattern& pattern, const store::StoredMessage& stored) {
  if (!pattern.to) return api::last_event_name(stored.delivery);
  const auto& recipients = stored.message.envelope.recipients;
  store::DeliveryRecord part = stored.delivery;
  part.recipients.clear();
  bool is_pending = false;
  for (std::size_t i = 0; i < recipients.size() && i < stored.delivery.recipients.size(); ++i) {
    if (!is_recipient(*pattern.to, recipients[i])) continue;
    part.recipients.push_back(stored.delivery.recipients[i]);
    is_pending = is_pending || part.recipients.back().stage == store::RecipientStage::Pending;
  }
  if (part.recipients.empty()) return api::last_event_name(stored.delivery);
  if (!is_pending) part.due.reset();
  return api::last_event_name(part);
}

std::string_view first_mismatch(const MailPattern& pattern, const store::StoredMessage& stored) {
  const store::MessageRecord& message = stored.message;
  if (pattern.wants_notices != (message.origin == store::MessageOrigin::Notification)) return "kind";
  const auto& recipients = message.envelope.recipients;
  const auto is_named = [&](const Recipient& recipient) { return is_recipient(*pattern.to, recipient); };
  if (pattern.to && std::ranges::none_of(recipients, is_named)) return "to";
  if (pattern.from && !is_from(*pattern.from, message)) return "from";
  if (pattern.subject && to_ascii_lower(message.summary.subject).find(*pattern.subject) == std::string::npos) return "subject";
  if (pattern.tag && !has_tag(*pattern.tag, message.summary)) return "tag";
  if (pattern.message_id && message.summary.message_id != *pattern.message_id) return "message_id";
  if (pattern.status && status_of(pattern, stored) != *pattern.status) return "status";
  return {};
}

std::string describe(const MailPattern& pattern) {
  std::string text = pattern.wants_notices ? "a notice" : "mail";
  const auto add = [&text](std::string_view words, const std::optional<std::string>& value) {
    if (value) text.append(", ").append(words).append(" ").append(printable_utf8(*value, 200));
  };
  add("to", pattern.to);
  add("from", pattern.from);
  add("with the subject", pattern.subject);
  add("with the tag", pattern.tag);
  add("with the Message-ID", pattern.message_id);
  add("whose status is", pattern.status);
  return text;
}

}  // namespace postern::lab
