// postern inbound …: what comes back and what comes in.
#include "app/commands.h"

#include "api/record_json.h"
#include "reception/returned_mail.h"

#include <algorithm>
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

constexpr std::size_t kRecordsAtOnce = 500;

std::string kind_of(const store::InboundRecord& inbound) {
  return inbound.kind.empty() ? "not read yet" : inbound.kind;
}

std::string checks_of(const std::optional<store::InboundVerdicts>& verdicts) {
  if (!verdicts) return "-";
  const std::string results =
      "spf=" + verdicts->spf + " dkim=" + verdicts->dkim + " dmarc=" + verdicts->dmarc + " arc=" + verdicts->arc;
  return results + (verdicts->suspicion.empty() ? "" : ", suspect: " + printable(verdicts->suspicion));
}

}  // namespace

Result<void> list_inbound(CommandContext& context, const InboundListOptions& options) {
  const auto account = context.find_account(options.account);
  if (!account) return account.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  std::optional<MessageId> before;
  while (rows.size() < options.limit) {
    const auto records = context.spool().list_inbound(account->id, before, std::min(kRecordsAtOnce, options.limit - rows.size()));
    if (!records) return records.error();
    for (const store::InboundRecord& record : *records) {
      values.emplace_back(api::inbound_json(record));
      rows.push_back({format_message_id(record.id), format_time(record.received_at), kind_of(record), printable(record.from),
                      printable(record.subject), std::to_string(record.octets)});
      before = record.id;
    }
    if (records->empty()) break;
  }
  context.print(values, format_table({"MESSAGE", "RECEIVED (UTC)", "KIND", "FROM", "SUBJECT", "OCTETS"}, rows));
  return {};
}

Result<void> show_inbound(CommandContext& context, const InboundShowOptions& options) {
  const auto stored = context.find_message(options.id);
  if (!stored) return stored.error();
  const store::MessageRecord& message = stored->message;
  const auto record = context.spool().find_inbound(message.account, message.id);
  if (!record) return record.error();
  if (!*record) return Error(ErrorCode::NotFound, "that message did not come in: postern message show has it");
  for (std::uint32_t i = 0; options.shows_content && i < message.chunk_count; ++i) {
    const auto chunk = context.spool().read_chunk(message.id, i);
    if (!chunk) return chunk.error();
    if (i == 0) context.out() << message.signature_fields;
    context.out() << *chunk;
  }
  if (options.shows_content) return {};
  const store::InboundRecord& inbound = **record;
  std::string findings;
  for (const store::InboundForward& one : inbound.forwards) {
    const bool is_refused = one.state == store::ForwardState::Refused;
    const std::string outcome = is_refused ? ": " + one.why : " as " + format_message_id(one.message);
    findings += "  sent on to " + printable(one.destination) + ": " + std::string(api::forward_state_name(one.state)) +
                (one.state == store::ForwardState::Waiting ? "" : outcome) + "\n";
  }
  for (const std::string& finding : inbound.findings) findings += "  " + printable(finding) + "\n";
  context.print(api::inbound_json(inbound), format_facts({{"id", format_message_id(inbound.id)},
                                                          {"account", context.account_name(inbound.account)},
                                                          {"kind", kind_of(inbound)},
                                                          {"about", inbound.about ? format_message_id(*inbound.about) : "-"},
                                                          {"received", format_time(inbound.received_at)},
                                                          {"from", printable(inbound.from)},
                                                          {"subject", printable(inbound.subject)},
                                                          {"octets", std::to_string(inbound.octets)},
                                                          {"checks", checks_of(inbound.verdicts)}}) +
                                                findings);
  return {};
}

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
