// Any text as a webhook's URL, and any sixteen octets as the address that its host turns out to have: what is taken leads to a
// name or to a public address, and can be written into a request as it is.
#include "core/bytes.h"
#include "events/webhook_target.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>

namespace postern::fuzz {
namespace {

// Written anew here, by octets: what this machine or its neighbours answer to.
bool is_inside_v4(const std::uint8_t* v4) {
  const bool is_private = v4[0] == 10 || (v4[0] == 172 && v4[1] / 16 == 1) || (v4[0] == 192 && v4[1] == 168);
  const bool is_shared = v4[0] == 100 && v4[1] / 64 == 1;
  const bool is_link_local = v4[0] == 169 && v4[1] == 254;
  return v4[0] == 0 || v4[0] == 127 || v4[0] >= 224 || is_private || is_shared || is_link_local;
}

bool is_inside(const IpAddress& address) {
  const std::uint8_t* octets = address.octets.data();
  if (address.is_v4()) return is_inside_v4(octets + 12);
  const bool is_6to4 = octets[0] == 0x20 && octets[1] == 0x02;
  const bool is_nat64 = octets[0] == 0 && octets[1] == 0x64 && is_inside_v4(octets + 12);
  return octets[0] / 32 != 1 ? octets[0] != 0 || octets[1] != 0x64 || is_nat64 : is_6to4;
}

void check_url(std::string_view input, const events::WebhookPolicy& policy) {
  const auto target = events::parse_webhook_url(input, policy);
  if (!target) return;
  POSTERN_CHECK(input.size() <= events::kMaxWebhookUrlOctets && target->port != 0 && (target->is_tls || policy.allows_http));
  POSTERN_CHECK(!target->host.empty() && target->host == to_ascii_lower(target->host));
  POSTERN_CHECK(target->host != "localhost" && !target->host.ends_with(".localhost"));
  POSTERN_CHECK(target->request_target.starts_with('/'));
  for (const std::string* text : {&target->host, &target->host_field, &target->request_target}) {
    for (const char c : *text) POSTERN_CHECK(c > ' ' && c <= '~');
  }
  POSTERN_CHECK(target->host_field.find_first_of("/@?#\\") == std::string::npos);
  if (const auto literal = parse_ip_address(target->host)) POSTERN_CHECK(!is_inside(*literal));
}

}  // namespace

POSTERN_FUZZ(webhook_url) {
  check_url(input, {});
  check_url(input, {.allows_http = true});
  IpAddress address;
  std::copy_n(input.begin(), std::min(input.size(), address.octets.size()), address.octets.begin());
  if (is_inside(address)) POSTERN_CHECK(!events::may_contact(address, {}));
  // As IPv4.
  std::fill_n(address.octets.begin(), 10, std::uint8_t{0});
  address.octets[10] = address.octets[11] = 0xFF;
  if (is_inside(address)) POSTERN_CHECK(!events::may_contact(address, {}));
}

}  // namespace postern::fuzz
