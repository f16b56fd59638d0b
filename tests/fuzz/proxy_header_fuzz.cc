// Any octets as a PROXY header, read as the parser asks for them: it ends, asks for nothing beyond its bounds, reads nothing behind
// the header, and says of every beginning what it says of the whole.
#include "net/proxy_header.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check(std::string_view input, const net::ProxyHeader& header, std::size_t read) {
  POSTERN_CHECK(header.octets == read && read <= net::kMaxProxyHeaderOctets);
  const net::ProxyParse whole = net::parse_proxy_header(input);
  const auto* same = std::get_if<net::ProxyHeader>(&whole);
  POSTERN_CHECK(same != nullptr && same->octets == read && same->source == header.source);
  const bool is_line = input.front() == 'P';
  if (is_line) POSTERN_CHECK(read <= net::kMaxProxyLineOctets && input.substr(read - 2, 2) == "\r\n");
}

}  // namespace

POSTERN_FUZZ(proxy_header) {
  std::size_t read = 0;
  for (;;) {
    const net::ProxyParse parsed = net::parse_proxy_header(input.substr(0, read));
    if (const auto* header = std::get_if<net::ProxyHeader>(&parsed)) return check(input, *header, read);
    if (std::holds_alternative<net::ProxyFault>(parsed)) return;
    const std::size_t needed = std::get<net::ProxyNeedsOctets>(parsed).count;
    POSTERN_CHECK(needed >= 1 && read + needed <= net::kMaxProxyHeaderOctets);
    if (read + needed > input.size()) return;
    read += needed;
  }
}

}  // namespace postern::fuzz
