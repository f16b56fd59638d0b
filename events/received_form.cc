#include "events/received_form.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "core/check.h"
#include "core/mailbox.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace postern::events {
namespace {

namespace json = boost::json;

using store::ReceivedForm;

constexpr std::array<std::pair<ReceivedForm, std::string_view>, 4> kForms = {{{ReceivedForm::Postern, "postern"},
                                                                              {ReceivedForm::MailKite, "mailkite"},
                                                                              {ReceivedForm::Resend, "resend"},
                                                                              {ReceivedForm::Postmark, "postmark"}}};

json::value text_or_null(const std::optional<std::string>& text) { return text ? json::value(*text) : json::value(nullptr); }

std::string_view address_in(std::string_view text) {
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos) return trim_ascii_space(text);
  return text.substr(open + 1, text.find('>', open) - open - 1);
}

std::string_view name_in(std::string_view text) {
  const std::size_t open = text.rfind('<');
  std::string_view name = open == std::string_view::npos ? std::string_view() : trim_ascii_space(text.substr(0, open));
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  return name;
}

std::string_view subject_of(const ReceivedFacts& facts) {
  return facts.stored == nullptr ? std::string_view() : std::string_view(facts.stored->message.summary.subject);
}
std::string_view from_of(const ReceivedFacts& facts) {
  return facts.stored == nullptr ? std::string_view() : std::string_view(facts.stored->message.summary.from);
}
std::string header_id_of(const ReceivedFacts& facts) {
  const std::string id = facts.stored == nullptr ? std::string() : facts.stored->message.summary.message_id;
  return std::string(trim_ascii_space(id));
}

std::string first_field(const ReceivedContent& content, std::string_view name) {
  const auto found =
      std::ranges::find_if(content.fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  return found == content.fields.end() ? std::string() : found->second;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

json::object mailkite_payload(const ReceivedFacts& facts) {
  json::object payload{{"id", mailkite_message_id(facts.event.message)},
                       {"type", "email.received"},
                       {"from", json::object{{"address", address_in(from_of(facts))}}},
                       {"to", json::array{json::object{{"address", facts.event.recipient}}}},
                       {"subject", subject_of(facts)},
                       {"text", nullptr},
                       {"html", nullptr},
                       {"threadId", nullptr},
                       {"auth", mailkite_auth(facts.stored != nullptr && facts.stored->inbound ? facts.stored->inbound->verdicts
                                                                                               : std::nullopt)},
                       {"attachments", json::array()}};
  std::string thread = header_id_of(facts);
  if (facts.content != nullptr) {
    payload["text"] = text_or_null(facts.content->text);
    payload["html"] = text_or_null(facts.content->html);
    payload["attachments"] = mailkite_attachments(facts.event.message, *facts.content, facts.links, facts.now);
    if (std::string answered = first_field(*facts.content, "In-Reply-To"); !answered.empty()) thread = std::move(answered);
  }
  if (!thread.empty()) payload["threadId"] = thread;
  return payload;
}

json::object resend_payload(const ReceivedFacts& facts) {
  json::object data{{"email_id", format_message_id(facts.event.message)},
                    {"created_at", format_rfc3339(facts.event.message.created())},
                    {"from", from_of(facts)},
                    {"to", json::array{json::value(facts.event.recipient)}},
                    {"bcc", json::array()},
                    {"cc", facts.content == nullptr ? json::array() : texts(facts.content->cc)},
                    {"message_id", header_id_of(facts)},
                    {"subject", subject_of(facts)},
                    {"attachments", facts.content == nullptr ? json::array() : resend_attachments(*facts.content)}};
  return {{"type", "email.received"}, {"created_at", format_rfc3339(facts.event.at)}, {"data", std::move(data)}};
}

// What stands behind the "+" of a local part: "1234" of "ticket+1234@example.org".
std::string_view mailbox_hash(std::string_view address) {
  const std::string_view local = address.substr(0, std::min(address.rfind('@'), address.size()));
  const std::size_t plus = local.find('+');
  return plus == std::string_view::npos ? std::string_view() : local.substr(plus + 1);
}

json::object postmark_mailbox(std::string_view text) {
  const std::string_view address = address_in(text);
  return {{"Email", address}, {"Name", name_in(text)}, {"MailboxHash", mailbox_hash(address)}};
}

json::array postmark_mailboxes(const std::vector<std::string>& list) {
  json::array mailboxes;
  for (const std::string& text : list) mailboxes.push_back(postmark_mailbox(text));
  return mailboxes;
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text.append(text.empty() ? "" : ", ").append(one);
  return text;
}

void add_postmark_content(json::object& payload, const ReceivedFacts& facts) {
  const ReceivedContent& content = *facts.content;
  payload["To"] = joined(content.to);
  payload["ToFull"] = postmark_mailboxes(content.to);
  payload["Cc"] = joined(content.cc);
  payload["CcFull"] = postmark_mailboxes(content.cc);
  payload["ReplyTo"] = joined(content.reply_to);
  payload["Date"] = first_field(content, "Date");
  payload["TextBody"] = content.text.value_or("");
  payload["HtmlBody"] = content.html.value_or("");
  json::array& headers = payload["Headers"].as_array();
  for (const auto& [name, value] : content.fields) headers.push_back(json::object{{"Name", name}, {"Value", value}});
  json::array& attachments = payload["Attachments"].as_array();
  for (std::size_t i = 0; i < content.attachments.size(); ++i) {
    const mime::ReadAttachment& attachment = content.attachments[i];
    // Deviation: Postmark has all octets here. An event goes out at every attempt: beyond a bound ours has the link alone.
    const AttachmentLinks::Link link = facts.links.link_to(facts.event.message, attachment.id, facts.now);
    const std::string octets = i < content.octets.size() ? encode_base64(content.octets[i]) : std::string();
    attachments.push_back(json::object{{"Name", attachment.filename},
                                       {"Content", octets},
                                       {"ContentType", attachment.content_type},
                                       {"ContentLength", attachment.octets},
                                       {"ContentID", attachment.content_id},
                                       {"DownloadUrl", link.url}});
  }
}

json::object postmark_payload(const ReceivedFacts& facts) {
  const std::string_view from = from_of(facts);
  json::object payload{{"FromName", name_in(from)},
                       {"MessageStream", "inbound"},
                       {"From", address_in(from)},
                       {"FromFull", postmark_mailbox(from)},
                       {"To", facts.event.recipient},
                       {"ToFull", json::array{postmark_mailbox(facts.event.recipient)}},
                       {"Cc", ""},
                       {"CcFull", json::array()},
                       {"Bcc", ""},
                       {"BccFull", json::array()},
                       {"OriginalRecipient", facts.event.recipient},
                       {"Subject", subject_of(facts)},
                       {"MessageID", format_message_id(facts.event.message)},
                       {"ReplyTo", ""},
                       {"MailboxHash", mailbox_hash(facts.event.recipient)},
                       {"Date", ""},
                       {"TextBody", ""},
                       {"HtmlBody", ""},
                       {"StrippedTextReply", ""},
                       {"Tag", ""},
                       {"Headers", json::array()},
                       {"Attachments", json::array()}};
  if (facts.content != nullptr) add_postmark_content(payload, facts);
  return payload;
}

}  // namespace

std::string_view received_form_name(ReceivedForm form) {
  return std::ranges::find(kForms, form, &std::pair<ReceivedForm, std::string_view>::first)->second;
}

std::optional<ReceivedForm> parse_received_form(std::string_view name) {
  const auto found = std::ranges::find(kForms, name, &std::pair<ReceivedForm, std::string_view>::second);
  return found == kForms.end() ? std::nullopt : std::optional(found->first);
}

std::string mailkite_message_id(const MessageId& message) { return "msg_" + format_message_id(message); }

json::object mailkite_auth(const std::optional<store::InboundVerdicts>& verdicts) {
  if (!verdicts) return {{"spf", nullptr}, {"dkim", nullptr}, {"dmarc", nullptr}, {"spam", nullptr}};
  return {{"spf", verdicts->spf},
          {"dkim", verdicts->dkim},
          {"dmarc", verdicts->dmarc},
          {"spam", verdicts->suspicion.empty() ? json::value(nullptr) : json::value("suspect")}};
}

json::array mailkite_attachments(const MessageId& message, const ReceivedContent& content, const AttachmentLinks& links,
                                 Instant now) {
  json::array list;
  for (const mime::ReadAttachment& attachment : content.attachments) {
    list.push_back(json::object{{"id", mailkite_message_id(message) + ":" + attachment.id},
                                {"filename", attachment.filename},
                                {"contentType", attachment.content_type},
                                {"size", attachment.octets},
                                {"url", links.link_to(message, attachment.id, now).url}});
  }
  return list;
}

json::array resend_attachments(const ReceivedContent& content) {
  json::array list;
  for (const mime::ReadAttachment& attachment : content.attachments) {
    list.push_back(json::object{{"id", attachment.id},
                                {"filename", attachment.filename},
                                {"content_type", attachment.content_type},
                                {"content_disposition", attachment.is_inline ? "inline" : "attachment"},
                                {"content_id", attachment.content_id.empty() ? json::value(nullptr)
                                                                             : json::value(attachment.content_id)},
                                {"size", attachment.octets}});
  }
  return list;
}

json::object received_payload(ReceivedForm form, const ReceivedFacts& facts) {
  switch (form) {
    case ReceivedForm::MailKite:
      return mailkite_payload(facts);
    case ReceivedForm::Resend:
      return resend_payload(facts);
    case ReceivedForm::Postmark:
      return postmark_payload(facts);
    case ReceivedForm::Postern:
      break;
  }
  POSTERN_CHECK(false);
}

}  // namespace postern::events
