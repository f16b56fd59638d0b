#include "api/account_json.h"

#include "auth/key_admin.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>

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

}  // namespace

std::string_view permission_name(store::Permission permission) {
  return permission == store::Permission::FullAccess ? "full_access" : "sending_access";
}

std::optional<store::Permission> parse_permission(std::string_view name) {
  if (name == "full_access") return store::Permission::FullAccess;
  if (name == "sending_access") return store::Permission::SendingAccess;
  return std::nullopt;
}

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
                              {"permission", permission_name(key.permission)},
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
  json["last_used_from"] = usage ? boost::json::value(format_ip_address(usage->address)) : boost::json::value(nullptr);
  return json;
}

boost::json::object account_json(const store::AccountRecord& account) {
  return {{"object", "account"},
          {"id", format_id(account.id)},
          {"name", account.name},
          {"mode", account_mode_name(account.mode)},
          {"state", account.state == store::AccountState::Active ? "active" : "suspended"},
          {"plan",
           {{"name", account.plan.name},
            {"per_second", limit_json(account.plan.per_second)},
            {"per_day", limit_json(account.plan.per_day)},
            {"per_month", limit_json(account.plan.per_month)}}},
          {"from_domains", list_json(account.from_domains)},
          {"auto_suppression", account.auto_suppression == store::AutoSuppression::On},
          {"suppression_days", account.suppression_days == 0 ? boost::json::value(nullptr)
                                                             : boost::json::value(account.suppression_days)},
          {"created_at", format_rfc3339(account.created)}};
}

}  // namespace postern::api
