// Settings → the option types of the folders that do the work. Pure, apart from the machine's name.
#pragma once

#include "app/settings.h"
#include "auth/api_key.h"
#include "auth/auth_throttle.h"
#include "core/ip_address.h"
#include "core/log.h"
#include "dns/unbound_resolver.h"
#include "events/webhook_target.h"
#include "mx/plan.h"
#include "relay/retry_schedule.h"
#include "relay/route.h"
#include "smtp/config.h"
#include "store/store.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace postern::app {

// `hostname`, or the machine's name where it is empty.
std::string make_public_url(const Settings& settings);  // what links begin with, without a slash at its end
std::string effective_hostname(const Settings& settings);

store::StoreOptions make_store_options(const Settings& settings, bool runs_recovery);
auth::KeyScheme make_key_scheme(const Settings& settings);
auth::ThrottleLimits make_throttle_limits(const Settings& settings);
relay::RetrySchedule make_retry_schedule(const Settings& settings);
dns::ResolverSettings make_resolver_settings(const Settings& settings);
// Who this server is among mail hosts: its name, and the addresses that it listens on.
mx::PlanRules make_plan_rules(const Settings& settings);
// domains/key_seal's.
std::filesystem::path seal_file(const Settings& settings);
// The mechanisms of `spf` keys, and this host where a next hop is on it: without doubles, in the routes' order.
std::vector<std::string> make_spf_mechanisms(const Settings& settings);
events::WebhookPolicy make_webhook_policy(const Settings& settings);
// Only networks that are well formed: app/config_checks names the others.
std::vector<IpNetwork> make_networks(const std::vector<std::string>& texts);
smtp::Config make_smtp_config(const Settings& settings, const ListenerSettings& listener);
// With the default one, where none is configured, and the pools that mail leaves from.
// Local port → account and name of the run that its listener belongs to.
std::map<std::uint16_t, std::pair<std::string, std::string>> make_run_ports(const Settings& settings);
relay::RouteTable make_route_table(const Settings& settings);
log::Setup make_log_setup(const Settings& settings);

// The listener with the address and port of `wanted`, which may be of another reading of the file; null: none. Into `listeners`.
template <class Listener>
const Listener* find_listener(const std::vector<Listener>& listeners, const Listener& wanted) {
  const auto found = std::ranges::find_if(listeners, [&](const Listener& listener) {
    return listener.address == wanted.address && listener.port == wanted.port;
  });
  return found == listeners.end() ? nullptr : &*found;
}

// Certificate and key of a listener; in development, where none is configured, the self-signed one below data_dir.
struct CertificateFiles {
  std::string certificate;
  std::string key;
  bool is_self_signed = false;
};
CertificateFiles certificate_files(const Settings& settings, const ListenerSettings& listener);
CertificateFiles certificate_files(const Settings& settings, const HttpListenerSettings& listener);

}  // namespace postern::app
