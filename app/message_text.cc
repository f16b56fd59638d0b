#include "app/message_text.h"

#include "api/record_json.h"
#include "relay/failure_class.h"

#include <array>
#include <map>
#include <utility>

namespace postern::app {
namespace {

using store::RecipientStage;
constexpr std::array<std::pair<RecipientStage, std::string_view>, 7> kStages = {
    {{RecipientStage::Pending, "pending"},
     {RecipientStage::Delivered, "delivered"},
     {RecipientStage::Bounced, "bounced"},
     {RecipientStage::Expired, "expired"},
     {RecipientStage::Suppressed, "suppressed"},
     {RecipientStage::Cancelled, "cancelled"},
     {RecipientStage::Complained, "complained"}}};

// "2 delivered, 1 bounced"
std::string summarise(const store::DeliveryRecord& delivery) {
  std::map<RecipientStage, std::size_t> counts;
  for (const auto& recipient : delivery.recipients) ++counts[recipient.stage];
  std::string text;
  for (const auto& [stage, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(stage_name(stage));
  }
  return text;
}

std::string first_recipient(const Envelope& envelope) {
  if (envelope.recipients.empty()) return "-";
  const std::size_t more = envelope.recipients.size() - 1;
  return format_mailbox(envelope.recipients[0].mailbox) + (more == 0 ? "" : " +" + std::to_string(more));
}

json::value recipient_value(const Recipient& recipient, const store::RecipientState& state) {
  const bool is_pending = state.stage == RecipientStage::Pending;
  return json::object{{"address", format_mailbox(recipient.mailbox)},
                     {"stage", stage_name(state.stage)},
                     {"attempts", std::uint64_t{state.attempts}},
                     {"next_attempt", is_pending ? api::instant_json(state.next_attempt) : json::value()},
                     {"status", state.last_status.code == 0 ? json::value() : json::value(format_status(state.last_status))},
                     {"remote", state.remote}};
}

std::string failure_text(const store::RecipientState& state) {
  if (state.last_status.code < 400) return "-";
  return std::string(relay::failure_class_name(relay::classify_failure(state.last_status, state.is_own_word ? "" : state.remote)));
}

std::string recipients_text(const store::StoredMessage& stored) {
  std::vector<std::vector<std::string>> rows;
  const auto& recipients = stored.message.envelope.recipients;
  for (std::size_t i = 0; i < recipients.size() && i < stored.delivery.recipients.size(); ++i) {
    const auto& state = stored.delivery.recipients[i];
    const bool is_pending = state.stage == RecipientStage::Pending;
    rows.push_back({format_mailbox(recipients[i].mailbox), std::string(stage_name(state.stage)), std::to_string(state.attempts),
                    is_pending ? format_time(state.next_attempt) : "-",
                    failure_text(state), state.last_status.code == 0 ? "-" : format_status(state.last_status)});
  }
  return format_table({"RECIPIENT", "STAGE", "ATTEMPTS", "NEXT (UTC)", "CLASS", "LAST STATUS"}, rows);
}

bool is_submission(const store::MessageRecord& message) { return message.origin == store::MessageOrigin::Submission; }

std::string client_text(const store::MessageRecord& message) {
  if (!is_submission(message)) return "-: a notification of this relay";
  return format_ip_address(message.client_address) + " (" + message.helo_name + ")";
}

}  // namespace

std::string_view stage_name(RecipientStage stage) {
  for (const auto& [value, name] : kStages) {
    if (value == stage) return name;
  }
  return "unknown";
}

std::optional<RecipientStage> parse_stage(std::string_view text) {
  for (const auto& [value, name] : kStages) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::vector<std::string> message_titles() { return {"ID", "ACCEPTED (UTC)", "ACCOUNT", "ENV", "USER", "TO", "STATE"}; }

std::vector<std::string> message_row(CommandContext& context, const store::StoredMessage& stored) {
  const auto& message = stored.message;
  return {format_message_id(message.id), format_time(message.accepted_at), context.account_name(message.account),
          std::string(environment_name(message.environment)), message.user_name, first_recipient(message.envelope),
          summarise(stored.delivery)};
}

std::string message_text(CommandContext& context, const store::StoredMessage& stored) {
  const auto& message = stored.message;
  return format_facts({{"id", format_message_id(message.id)},
                       {"accepted", format_time(message.accepted_at) + " UTC"},
                       {"account", context.account_name(message.account)},
                       {"key", format_id(message.key)},
                       {"environment", std::string(environment_name(message.environment))},
                       {"user name", message.user_name},
                       {"client", client_text(message)},
                       {"from", format_path(message.envelope.reverse_path)},
                       {"author", message.summary.from},
                       {"subject", message.summary.subject},
                       {"message-id", message.summary.message_id},
                       {"scheduled for", stored.delivery.scheduled_at ? format_time(*stored.delivery.scheduled_at) + " UTC" : "-"},
                       {"octets", std::to_string(message.content_octets)},
                       {"content kept until", format_time(stored.delivery.content_until)}}) +
         "\n" + recipients_text(stored);
}

json::object message_value(CommandContext& context, const store::StoredMessage& stored) {
  const auto& message = stored.message;
  json::array recipients;
  for (std::size_t i = 0; i < message.envelope.recipients.size() && i < stored.delivery.recipients.size(); ++i) {
    recipients.push_back(recipient_value(message.envelope.recipients[i], stored.delivery.recipients[i]));
  }
  return {{"id", format_message_id(message.id)},
          {"accepted_at", api::instant_json(message.accepted_at)},
          {"account", context.account_name(message.account)},
          {"key", format_id(message.key)},
          {"environment", environment_name(message.environment)},
          {"origin", is_submission(message) ? "submission" : "notification"},
          {"run", message.environment == Environment::Test ? json::value(message.user_name) : json::value()},
          {"user_name", message.user_name},
          {"client_address", is_submission(message) ? json::value(format_ip_address(message.client_address)) : json::value()},
          {"helo_name", message.helo_name},
          {"reverse_path", message.envelope.reverse_path ? format_mailbox(*message.envelope.reverse_path) : std::string()},
          {"author", message.summary.from},
          {"subject", message.summary.subject},
          {"message_id", message.summary.message_id},
          {"octets", message.content_octets},
          {"scheduled_at", api::instant_json(stored.delivery.scheduled_at)},
          {"settled_at", api::instant_json(stored.delivery.settled_at)},
          {"content_until", api::instant_json(stored.delivery.content_until)},
          {"recipients", std::move(recipients)}};
}

}  // namespace postern::app
