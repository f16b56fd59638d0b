#include "api/record_json.h"

#include "auth/key_admin.h"
#include "auth/permission.h"
#include "core/time_format.h"
#include "domains/inbound_routes.h"
#include "events/event_json.h"
#include "events/received_form.h"
#include "events/webhook_admin.h"
#include "relay/suppression.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace postern::api {
namespace {

boost::json::array list_json(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

template <class T>
boost::json::value limit_json(const std::optional<T>& limit) {
  return limit ? boost::json::value(*limit) : boost::json::value("unlimited");
}

// Clients made for Resend read a region; this installation is its only one.
constexpr std::string_view kRegion = "self-hosted";

struct PurposeName {
  std::string_view purpose;
  std::string_view name;
};
constexpr std::array<PurposeName, 9> kPurposeNames = {{{"ownership", "Ownership"},
                                                       {"dkim-rsa", "DKIM"},
                                                       {"dkim-ed25519", "DKIM"},
                                                       {"dkim-rsa-next", "DKIM"},
                                                       {"dkim-ed25519-next", "DKIM"},
                                                       {"dkim-rsa-old", "DKIM"},
                                                       {"dkim-ed25519-old", "DKIM"},
                                                       {"spf", "SPF"},
                                                       {"dmarc", "DMARC"}}};

boost::json::object record_json(const store::DomainRecord& domain, const domains::DnsRecordToPublish& record) {
  const auto named = std::ranges::find(kPurposeNames, record.purpose, &PurposeName::purpose);
  const auto check = std::ranges::find(domain.checks, record.purpose, &store::DomainCheck::name);
  boost::json::object row = {{"record", named == kPurposeNames.end() ? std::string_view(record.purpose) : named->name},
                      {"name", record.name},
                      {"type", record.type},
                      {"ttl", "Auto"},
                      {"status", domains::record_status(domain, record)},
                      {"value", record.value},
                      {"required", record.is_required}};
  if (!record.note.empty()) row["note"] = record.note;
  if (check != domain.checks.end() && !check->finding.empty()) row["finding"] = check->finding;
  return row;
}

}  // namespace

boost::json::value instant_json(const std::optional<Instant>& instant) {
  return instant ? boost::json::value(format_rfc3339(*instant)) : boost::json::value(nullptr);
}

boost::json::object key_json(const store::KeyRecord& key, const std::optional<store::KeyUsage>& usage,
                             const std::optional<store::KeyRefusal>& refusal, Instant now) {
  boost::json::array networks;
  for (const IpNetwork& network : key.networks) networks.emplace_back(format_ip_network(network));
  boost::json::object json = {{"object", "api_key"},
                              {"id", format_id(key.id)},
                              {"name", key.name},
                              {"key_prefix", key.prefix},
                              {"environment", environment_name(key.environment)},
                              {"permission", auth::permission_name(key.permission)},
                              {"state", auth::key_state_name(auth::key_state(key, now))},
                              {"from_domains", list_json(key.from_domains)},
                              {"networks", std::move(networks)},
                              {"created_at", format_rfc3339(key.created)},
                              {"expires_at", instant_json(key.expires_at)},
                              {"revoked_at", instant_json(key.revoked_at)},
                              {"retires_at", instant_json(key.retires_at)},
                              {"last_used_at", usage ? instant_json(usage->at) : boost::json::value(nullptr)}};
  json["per_second"] = key.per_second ? boost::json::value(*key.per_second) : boost::json::value(nullptr);
  json["successor"] = key.successor ? boost::json::value(format_id(*key.successor)) : boost::json::value(nullptr);
  json["last_refused"] = refusal ? boost::json::value({{"at", format_rfc3339(refusal->use.at)},
                                                       {"from", format_ip_address(refusal->use.address)},
                                                       {"client", refusal->use.helo_name},
                                                       {"reason", refusal->reason}})
                                 : boost::json::value(nullptr);
  json["last_used_client"] = usage ? boost::json::value(usage->helo_name) : boost::json::value(nullptr);
  json["last_used_from"] = usage ? boost::json::value(format_ip_address(usage->address)) : boost::json::value(nullptr);
  return json;
}

boost::json::object plan_json(const store::Plan& plan) {
  return {{"name", plan.name},
          {"per_second", limit_json(plan.per_second)},
          {"per_day", limit_json(plan.per_day)},
          {"per_month", limit_json(plan.per_month)}};
}

boost::json::object account_json(const store::AccountRecord& account) {
  return {{"object", "account"},
          {"id", format_id(account.id)},
          {"name", account.name},
          {"mode", account_mode_name(account.mode)},
          {"state", account.state == store::AccountState::Active ? "active" : "suspended"},
          {"plan", plan_json(account.plan)},
          {"from_domains", list_json(account.from_domains)},
          {"auto_suppression", account.auto_suppression == store::AutoSuppression::On},
          {"suppression_days", account.suppression_days == 0 ? boost::json::value(nullptr)
                                                             : boost::json::value(account.suppression_days)},
          {"created_at", format_rfc3339(account.created)}};
}

boost::json::object user_json(const store::UserRecord& user) {
  return {{"id", format_id(user.id)},
          {"email", user.email},
          {"account_id", format_id(user.account)},
          {"created_at", format_rfc3339(user.created)}};
}

boost::json::object member_json(const store::UserRecord& user) {
  boost::json::object member = user_json(user);
  member["object"] = "member";
  member["is_operator"] = user.is_operator;
  return member;
}

namespace {

std::string_view actor_kind_name(store::ActorKind kind) {
  switch (kind) {
    case store::ActorKind::System: return "system";
    case store::ActorKind::User: return "user";
    case store::ActorKind::Key: return "key";
    case store::ActorKind::CommandLine: return "command_line";
  }
  return "system";
}

}  // namespace

boost::json::object audit_json(const store::AuditRecord& entry) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
  };
  return {{"object", "audit_entry"},
          {"at", format_rfc3339(entry.at)},
          {"account_id", format_id(entry.account)},
          {"action", entry.action},
          {"actor",
           {{"kind", actor_kind_name(entry.actor_kind)}, {"id", text_or_null(entry.actor_id)}, {"name", entry.actor_name}}},
          {"target", {{"kind", entry.target_kind}, {"id", entry.target_id}, {"name", entry.target_name}}},
          {"detail", entry.detail},
          {"peer", text_or_null(entry.address ? format_ip_address(*entry.address) : std::string())}};
}

boost::json::object production_request_json(const store::ProductionRequest& request) {
  return {{"object", "production_request"},
          {"status", "pending"},
          {"requested_at", format_rfc3339(request.at)},
          {"use_case", request.use_case}};
}

boost::json::object whitelist_json(std::string_view address, Instant added, bool is_confirmed) {
  return {{"object", "sandbox_email"},
          {"email", address},
          {"status", is_confirmed ? "confirmed" : "pending"},
          {"created_at", format_rfc3339(added)}};
}

boost::json::object suppression_json(const store::SuppressionRecord& suppression) {
  const auto& source = suppression.message;
  return {{"id", store::suppression_entry(suppression.address, suppression.stream)},
          {"email", suppression.address},
          {"stream", suppression.stream.empty() ? boost::json::value(nullptr) : boost::json::value(suppression.stream)},
          {"origin", relay::suppression_reason_name(suppression.reason)},
          {"source_id", source ? boost::json::value(format_message_id(*source)) : boost::json::value(nullptr)},
          {"until", instant_json(suppression.until)},
          {"created_at", format_rfc3339(suppression.at)}};
}

boost::json::object domain_json(const store::DomainRecord& domain) {
  return {{"id", format_id(domain.id)},
          {"name", domain.name},
          {"status", domains::domain_status(domain)},
          {"created_at", format_rfc3339(domain.created)},
          {"region", kRegion},
          {"receiving", domain.is_receiving},
          {"inbound_policy", domains::inbound_policy_name(domain.inbound_policy)}};
}

boost::json::array dns_records_json(const store::DomainRecord& domain, std::span<const domains::DnsRecordToPublish> records) {
  boost::json::array list;
  for (const domains::DnsRecordToPublish& record : records) list.push_back(record_json(domain, record));
  return list;
}

std::string_view webhook_mail_name(store::WebhookMail mail) {
  switch (mail) {
    case store::WebhookMail::Any: return "all";
    case store::WebhookMail::Live: return environment_name(Environment::Live);
    case store::WebhookMail::Test: return environment_name(Environment::Test);
  }
  return "all";
}

boost::json::object webhook_json(const store::WebhookRecord& webhook) {
  return {{"id", format_id(webhook.id)},
          {"endpoint", webhook.url},
          {"created_at", format_rfc3339(webhook.created)},
          {"status", events::webhook_state_name(webhook.state)},
          {"failed", webhook.state == store::WebhookState::Failed},
          {"environment", webhook_mail_name(webhook.mail)},
          {"received_form", events::received_form_name(webhook.received_form)},
          {"events", webhook.events.empty() ? boost::json::value(nullptr) : boost::json::value(list_json(webhook.events))}};
}

std::string_view forward_state_name(store::ForwardState state) {
  switch (state) {
    case store::ForwardState::Waiting: return "waiting";
    case store::ForwardState::Queued: return "queued";
    case store::ForwardState::Refused: return "refused";
  }
  return {};
}

json::object inbound_json(const store::InboundRecord& inbound) {
  json::object value{{"id", format_message_id(inbound.id)},
                     {"received_at", instant_json(inbound.received_at)},
                     {"kind", inbound.kind.empty() ? json::value(nullptr) : json::value(inbound.kind)},
                     {"email_id", inbound.about ? json::value(format_message_id(*inbound.about)) : json::value(nullptr)},
                     {"from", inbound.from},
                     {"subject", inbound.subject},
                     {"return_path", inbound.reverse_path},
                     {"size", inbound.octets},
                     {"auth", events::verdicts_json(inbound.verdicts)}};
  value["to"] = json::array(inbound.recipients.begin(), inbound.recipients.end());
  json::array forwards;
  for (const store::InboundForward& one : inbound.forwards) {
    const bool is_queued = one.state == store::ForwardState::Queued;
    forwards.push_back(json::object{{"route_id", one.route},
                                    {"recipient", one.recipient},
                                    {"to", one.destination},
                                    {"status", forward_state_name(one.state)},
                                    {"email_id", is_queued ? json::value(format_message_id(one.message)) : json::value(nullptr)},
                                    {"reason", one.why.empty() ? json::value(nullptr) : json::value(one.why)}});
  }
  value["forwards"] = std::move(forwards);
  value["findings"] = json::array(inbound.findings.begin(), inbound.findings.end());
  return value;
}

}  // namespace postern::api
