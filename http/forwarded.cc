#include "http/forwarded.h"

#include "core/bytes.h"

#include <algorithm>
#include <optional>

namespace postern::http {
namespace {

constexpr std::size_t kMaxHops = 32;  // a longer list is nobody's; what stands before is not looked at

std::string_view without_blanks(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_quotes(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return text;
  return text.substr(1, text.size() - 2);
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711".
std::optional<IpAddress> parse_node(std::string_view node) {
  if (node.starts_with('[')) {
    const auto end = node.find(']');
    return end == std::string_view::npos ? std::nullopt : parse_ip_address(node.substr(1, end - 1));
  }
  const bool has_port = std::ranges::count(node, ':') == 1;
  return parse_ip_address(has_port ? node.substr(0, node.find(':')) : node);
}

// All fields of the name are one list (RFC 9110 §5.3). The last kMaxHops elements, the nearest first.
std::vector<std::string_view> elements_from_the_end(std::string_view name,
                                                    const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<std::string_view> elements;
  for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
    if (field->first != name) continue;
    std::string_view rest = field->second;
    while (elements.size() < kMaxHops) {
      const auto comma = rest.rfind(',');
      elements.push_back(without_blanks(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
      if (comma == std::string_view::npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return elements;
}

// Of one element of Forwarded: `for=192.0.2.1;proto=https`.
std::string_view forwarded_parameter(std::string_view element, std::string_view wanted) {
  while (!element.empty()) {
    const auto semicolon = element.find(';');
    const std::string_view pair = without_blanks(element.substr(0, semicolon));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && equals_ignoring_case(pair.substr(0, equals), wanted)) {
      return without_quotes(pair.substr(equals + 1));
    }
    element = semicolon == std::string_view::npos ? std::string_view{} : element.substr(semicolon + 1);
  }
  return {};
}

}  // namespace

bool TrustedProxies::contain(const IpAddress& address) const {
  return std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(address); });
}

PeerFacts client_behind(const TrustedProxies& proxies, const PeerFacts& peer,
                        const std::vector<std::pair<std::string, std::string>>& fields) {
  if (!proxies.contain(peer.address)) return peer;
  const bool is_standard = proxies.field == ForwardedField::Forwarded;
  const auto hops = elements_from_the_end(is_standard ? "forwarded" : "x-forwarded-for", fields);
  if (hops.empty()) return peer;

  PeerFacts client = peer;
  client.port = 0;
  client.is_local = false;
  for (const std::string_view hop : hops) {
    const auto address = parse_node(is_standard ? forwarded_parameter(hop, "for") : hop);
    if (!address) break;
    client.address = *address;
    if (!proxies.contain(*address)) break;
  }
  // What the nearest proxy says of its own side: whoever comes through it in the clear is in the clear.
  std::string_view scheme;
  if (is_standard) {
    scheme = forwarded_parameter(hops.front(), "proto");
  } else if (const auto protocols = elements_from_the_end("x-forwarded-proto", fields); !protocols.empty()) {
    scheme = protocols.front();
  }
  const bool is_hop_private = peer.is_local || !peer.tls.empty();
  client.tls = is_hop_private && equals_ignoring_case(scheme, "https") ? "TLS of a proxy" : "";
  return client;
}

}  // namespace postern::http
