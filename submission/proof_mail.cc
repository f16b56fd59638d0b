#include "submission/proof_mail.h"

#include "core/mailbox.h"
#include "core/time_format.h"
#include "submission/own_mail.h"

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

}  // namespace

std::string format_proof_mail(const auth::ProofMail& mail, const ProofMailSettings& settings, const std::string& message_id,
                              Instant now) {
  const store::Confirmation& asked = mail.confirmation;
  const bool is_user = asked.kind == store::ConfirmationKind::User;
  const std::string code(mail.code.reveal());  // what the mail is for
  const std::string subject = is_user ? "Confirm your e-mail address" : "May an application send test mail to you?";
  std::string text = own_mail_header(settings.hostname, asked.address, subject, message_id, "us-ascii", now);
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
  const OwnMail own{.account = mail.confirmation.account,
                    .recipient = *recipient,
                    .format = [&](const std::string& id) { return format_proof_mail(mail, settings, id, now); }};
  const auto spooled = spool_own_mail(own, store, random, now);
  if (!spooled) return spooled.error();
  wake_queue(*spooled);
  return {};
}

}  // namespace postern::submission
