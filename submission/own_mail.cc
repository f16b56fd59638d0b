#include "submission/own_mail.h"

#include "core/time_format.h"

#include <algorithm>
#include <future>
#include <utility>

namespace postern::submission {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Result<store::DueEntry> spool_own_mail(const OwnMail& mail, store::Store& store, Random& random, Instant now) {
  const MessageId id = make_message_id(now, random);
  const std::string content = mail.format(format_message_id(id));
  store::NewMessage message;
  message.record.id = id;
  message.record.account = mail.account;
  message.record.origin = store::MessageOrigin::Notification;
  message.record.accepted_at = now;
  message.record.envelope.parameters.smtputf8 = mail.recipient.needs_smtputf8();
  message.record.envelope.parameters.body = is_ascii(content) ? BodyType::SevenBit : BodyType::EightBitMime;
  message.record.envelope.recipients.push_back({.mailbox = mail.recipient, .notify = {}, .orcpt = {}});
  Notify& notify = message.record.envelope.recipients.front().notify;
  notify.is_given = notify.never = true;
  message.delivery.recipients.resize(1);
  message.delivery.recipients.front().next_attempt = now;
  message.delivery.due = now;
  message.delivery.lane = store::lane_of_pending(message.record, message.delivery);
  store::DueEntry due{.due = now, .id = id, .lane = message.delivery.lane};
  auto writer = store.spool().open_message(id);
  writer->append(content);
  std::promise<Result<void>> committed;
  store.spool().commit(std::move(writer), std::move(message),
                       [&committed](Result<void> outcome) { committed.set_value(std::move(outcome)); });
  if (const Result<void> outcome = committed.get_future().get(); !outcome) return outcome.error();
  return due;
}

std::string own_mail_header(const std::string& hostname, const std::string& recipient, const std::string& subject,
                            const std::string& message_id, const std::string& charset, Instant now) {
  std::string text;
  text += "From: \"Postern at " + hostname + "\" <postmaster@" + hostname + ">\r\n";
  text += "To: <" + recipient + ">\r\n";
  text += "Subject: " + subject + "\r\n";
  text += "Date: " + format_rfc5322_date(now) + "\r\n";
  text += "Message-ID: <" + message_id + "@" + hostname + ">\r\n";
  text += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=" + charset + "\r\n";
  if (charset != "us-ascii") text += "Content-Transfer-Encoding: 8bit\r\n";
  return text + "\r\n";
}

}  // namespace postern::submission
