// postern inbound …: what comes back and what comes in.
#include "app/commands.h"

#include "reception/returned_mail.h"

#include <fstream>
#include <iterator>

namespace postern::app {
namespace {

std::string_view outcome_name(reception::ReturnedOutcome outcome) {
  switch (outcome) {
    case reception::ReturnedOutcome::Failed:
      return "failed";
    case reception::ReturnedOutcome::Delayed:
      return "delayed";
    case reception::ReturnedOutcome::Delivered:
      return "delivered";
  }
  return {};
}

json::object returned_json(const reception::ReturnedRecipient& recipient) {
  json::object status{{"code", recipient.status.code}, {"text", recipient.status.text}};
  if (recipient.status.enhanced) status["enhanced"] = format_enhanced_code(*recipient.status.enhanced);
  return {{"recipient", recipient.address},
          {"outcome", outcome_name(recipient.outcome)},
          {"class", relay::failure_class_name(recipient.about)},
          {"hard", recipient.is_hard},
          {"suppresses", reception::is_reason_to_suppress(recipient)},
          {"remote", recipient.remote},
          {"status", std::move(status)}};
}

}  // namespace

Result<void> read_returned_file(CommandContext& context, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::NotFound, "cannot read " + printable(path));
  std::string raw(reception::kMaxReadOctets, '\0');
  file.read(raw.data(), static_cast<std::streamsize>(raw.size()));
  raw.resize(static_cast<std::size_t>(file.gcount()));
  const reception::ReturnedMail mail = reception::read_returned_mail(raw);
  json::array recipients;
  std::vector<std::vector<std::string>> rows;
  for (const auto& recipient : mail.recipients) {
    recipients.emplace_back(returned_json(recipient));
    rows.push_back({recipient.address.empty() ? "-" : recipient.address, std::string(outcome_name(recipient.outcome)),
                    std::string(relay::failure_class_name(recipient.about)), recipient.is_hard ? "hard" : "soft",
                    reception::is_reason_to_suppress(recipient) ? "yes" : "no", format_status(recipient.status)});
  }
  const std::string kind(reception::returned_kind_name(mail.kind));
  json::object value{{"kind", kind}, {"recipients", std::move(recipients)}};
  if (!mail.feedback_type.empty()) value["feedback_type"] = mail.feedback_type;
  std::string text = "kind: " + kind + (mail.feedback_type.empty() ? "" : " (" + mail.feedback_type + ")") + "\n";
  if (!rows.empty()) text += format_table({"RECIPIENT", "OUTCOME", "CLASS", "HARD", "SUPPRESSES", "STATUS"}, rows);
  context.print(value, text);
  return {};
}

}  // namespace postern::app
