#include "events/webhook_target.h"

#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/special_addresses.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace postern::events {
namespace {

constexpr std::uint16_t kHttpsPort = 443;
constexpr std::uint16_t kHttpPort = 80;

bool is_in(const std::vector<IpNetwork>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(address); });
}

Error refused(const char* why) { return Error(ErrorCode::InvalidArgument, why); }

bool is_localhost(std::string_view host) { return host == "localhost" || host.ends_with(".localhost"); }

// "127.1", "0x7f000001" and the like: some resolvers read addresses from them. No top-level domain begins with a digit.
bool ends_in_a_number(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  return !last.empty() && is_ascii_digit(last.front());
}

// The URL's host by the rules: a literal that may be contacted, or a name.
Result<std::string> judge_host(const boost::urls::url_view& url, const WebhookPolicy& policy) {
  // Without the brackets of an IPv6 literal.
  const std::string host = to_ascii_lower(std::string(url.host_address()));
  const auto literal = is_localhost(host) ? parse_ip_address("127.0.0.1") : parse_ip_address(host);
  if (literal && !may_contact(*literal, policy)) {
    return refused("endpoint: that address is not public; see webhook_allowed_networks");
  }
  const bool is_other_literal = url.host_type() == boost::urls::host_type::ipvfuture;
  const bool is_name = !literal && is_valid_domain(host, false) && !ends_in_a_number(host);
  if (is_other_literal || (!literal && !is_name)) return refused("endpoint: has no valid host name");
  return host;
}

std::string make_host_field(const boost::urls::url_view& url, const WebhookTarget& target) {
  std::string field = target.host.find(':') == std::string::npos ? target.host : "[" + target.host + "]";
  if (url.has_port() && target.port != (target.is_tls ? kHttpsPort : kHttpPort)) field += ":" + std::to_string(target.port);
  return field;
}

std::string make_request_target(const boost::urls::url_view& url) {
  std::string target(url.encoded_path());
  if (target.empty()) target = "/";
  if (url.has_query()) target += "?" + std::string(url.encoded_query());
  return target;
}

// Boost's own port_number() takes a port above 65535 modulo 65536.
Result<std::uint16_t> judge_port(const boost::urls::url_view& url, bool is_tls, const WebhookPolicy& policy) {
  std::uint64_t port = is_tls ? kHttpsPort : kHttpPort;
  if (url.has_port() && !url.port().empty()) {
    const auto number = parse_unsigned(std::string_view(url.port().data(), url.port().size()));
    if (!number || *number == 0 || *number > 65'535) return refused("endpoint: its port is not a number from 1 to 65535");
    port = *number;
  }
  const auto holds = [port](const PortRange& range) { return port >= range.first && port <= range.last; };
  if (std::ranges::none_of(policy.ports, holds)) {
    return refused("endpoint: that port is not allowed here; common ones are 443 and those above 1023");
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

std::optional<PortRange> parse_port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_unsigned(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_unsigned(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *first > *last || *last > 65'535) return std::nullopt;
  return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Result<WebhookTarget> parse_webhook_url(std::string_view text, const WebhookPolicy& policy) {
  if (text.size() > kMaxWebhookUrlOctets) return refused("endpoint: is longer than 2,048 octets");
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return refused("endpoint: is not an absolute URL");
  const boost::urls::url_view& url = *parsed;
  // Boost 1.81 takes "https://host:here" for an empty port and a path "here", which is no URL and no request target.
  if (!url.encoded_path().empty() && !url.is_path_absolute()) return refused("endpoint: is not an absolute URL");
  WebhookTarget target;
  target.is_tls = url.scheme_id() == boost::urls::scheme::https;
  if (!target.is_tls && !(policy.allows_http && url.scheme_id() == boost::urls::scheme::http)) {
    return refused(policy.allows_http ? "endpoint: must begin with https:// or http://" : "endpoint: must begin with https://");
  }
  if (url.has_userinfo()) return refused("endpoint: must hold no credentials; verify the signature instead");
  if (url.has_fragment()) return refused("endpoint: must have no fragment");
  const auto port = judge_port(url, target.is_tls, policy);
  if (!port) return port.error();
  target.port = *port;
  auto host = judge_host(url, policy);
  if (!host) return host.error();
  target.host = std::move(*host);
  target.host_field = make_host_field(url, target);
  target.request_target = make_request_target(url);
  return target;
}

bool may_contact(const IpAddress& address, const WebhookPolicy& policy) {
  return is_in(policy.allowed_networks, address) || is_public_unicast(address);
}

}  // namespace postern::events
