#include "submission/proof_mail.h"

#include "core/mailbox.h"
#include "core/time_format.h"

#include <future>
#include <utility>

namespace postern::submission {
namespace {

// "abcd-efgh-ijkl": easier to type.
std::string spaced_code(std::string_view code) {
  std::string text;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (i > 0 && i % 4 == 0) text.push_back('-');
    text.push_back(code[i]);
  }
  return text;
}

std::string shown_day(Instant instant) { return format_rfc3339(instant).substr(0, 10); }

store::MessageRecord proof_record(const auth::ProofMail& mail, const Mailbox& recipient, const MessageId& id, Instant now) {
  store::MessageRecord record;
  record.id = id;
  record.account = mail.confirmation.account;
  record.origin = store::MessageOrigin::Notification;
  record.accepted_at = now;
  record.envelope.parameters.smtputf8 = recipient.needs_smtputf8();
  record.envelope.recipients.push_back({.mailbox = recipient, .notify = {}, .orcpt = {}});
  record.envelope.recipients.front().notify.is_given = record.envelope.recipients.front().notify.never = true;
  return record;
}

}  // namespace

std::string format_proof_mail(const auth::ProofMail& mail, const ProofMailSettings& settings, const std::string& message_id,
                              Instant now) {
  const store::Confirmation& asked = mail.confirmation;
  const bool is_user = asked.kind == store::ConfirmationKind::User;
  const std::string code(mail.code.reveal());  // what the mail is for
  std::string text;
  text += "From: \"Postern at " + settings.hostname + "\" <postmaster@" + settings.hostname + ">\r\n";
  text += "To: <" + asked.address + ">\r\n";
  text += is_user ? "Subject: Confirm your e-mail address\r\n" : "Subject: May an application send test mail to you?\r\n";
  text += "Date: " + format_rfc5322_date(now) + "\r\n";
  text += "Message-ID: <" + message_id + "@" + settings.hostname + ">\r\n";
  text += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  if (is_user) {
    text += "Somebody signed up at " + settings.hostname + " with this address. If it was you, open\r\n\r\n";
  } else {
    // Nothing of the account's own words stands here: the mail would carry them to strangers.
    text += "An account at " + settings.hostname + " (" + format_id(asked.account) + ") would like to send\r\n";
    text += "mail to this address while its application is developed. If you agree, open\r\n\r\n";
  }
  text += settings.public_url + "/v1/confirm/" + format_id(asked.account) + "." + code + "\r\n\r\n";
  text += is_user ? "or type this code where you are asked for it:\r\n\r\n" : "or tell the people who asked you this code:\r\n\r\n";
  text += "    " + spaced_code(code) + "\r\n\r\n";
  text += "It is good until " + shown_day(asked.expires_at) + ". If you do nothing, nothing is sent to you.\r\n";
  return text;
}

Result<void> send_proof_mail(const auth::ProofMail& mail, const ProofMailSettings& settings, store::Store& store, Random& random,
                             Instant now, const std::function<void(const store::DueEntry&)>& wake_queue) {
  const auto recipient = parse_mailbox(mail.confirmation.address);
  if (!recipient) return recipient.error();
  const MessageId id = make_message_id(now, random);
  store::NewMessage message;
  message.record = proof_record(mail, *recipient, id, now);
  message.delivery.recipients.resize(1);
  message.delivery.recipients.front().next_attempt = now;
  message.delivery.due = now;
  message.delivery.lane = store::lane_of_pending(message.record, message.delivery);
  const store::DueEntry due{.due = now, .id = id, .lane = message.delivery.lane};
  auto writer = store.spool().open_message(id);
  writer->append(format_proof_mail(mail, settings, format_message_id(id), now));
  std::promise<Result<void>> committed;
  store.spool().commit(std::move(writer), std::move(message),
                       [&committed](Result<void> outcome) { committed.set_value(std::move(outcome)); });
  const Result<void> outcome = committed.get_future().get();
  if (outcome) wake_queue(due);
  return outcome;
}

}  // namespace postern::submission
