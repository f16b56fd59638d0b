// What stands in the directory as JSON, once for HTTP and for the command line's --json; with Resend's names where it has them.
#pragma once

#include "domains/domain_records.h"
#include "store/records.h"

#include <boost/json/object.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace postern::api {

// An RFC 3339 text, or null.
boost::json::value instant_json(const std::optional<Instant>& instant);

// Never its text.
boost::json::object key_json(const store::KeyRecord& key, const std::optional<store::KeyUsage>& usage,
                             const std::optional<store::KeyRefusal>& refusal, Instant now);
boost::json::object plan_json(const store::Plan& plan);
boost::json::object account_json(const store::AccountRecord& account);
boost::json::object user_json(const store::UserRecord& user);
boost::json::object member_json(const store::UserRecord& user);  // the same as "member", with `is_operator`
boost::json::object audit_json(const store::AuditRecord& entry);
boost::json::object production_request_json(const store::ProductionRequest& request);
// An address of a whitelist; not confirmed: it was asked and has not agreed yet.
boost::json::object whitelist_json(std::string_view address, Instant added, bool is_confirmed);
boost::json::object suppression_json(const store::SuppressionRecord& suppression);

// Without its records, as lists have it.
boost::json::object domain_json(const store::DomainRecord& domain);
boost::json::array dns_records_json(const store::DomainRecord& domain, std::span<const domains::DnsRecordToPublish> records);

std::string_view webhook_mail_name(store::WebhookMail mail);  // "live", "test", "all"
boost::json::object webhook_json(const store::WebhookRecord& webhook);

// What came in, as lists show it.
std::string_view forward_state_name(store::ForwardState state);  // "waiting", "queued", "refused"
boost::json::object inbound_json(const store::InboundRecord& inbound);

}  // namespace postern::api
