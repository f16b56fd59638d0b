// Version 1 is a line of text, version 2 a block with its length in front.
#include "net/proxy_header.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::net {
namespace {

// PROXY §2.2.
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedOctets = 16;
constexpr std::size_t kTlvHeadOctets = 3;

// Version and command in one octet, address family and transport in the next.
constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
constexpr std::uint8_t kUnspecified = 0x00;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kUnixStream = 0x31;

// The addresses of a family, in octets.
constexpr std::size_t kTcp4Octets = 12;
constexpr std::size_t kTcp6Octets = 36;
constexpr std::size_t kUnixOctets = 216;

constexpr std::string_view kLineStart = "PROXY ";

// The shortest line that there is of each kind: so much may be read before its end is looked for.
struct LineKind {
  std::string_view start;
  std::size_t shortest;
};
constexpr std::array<LineKind, 3> kLineKinds = {{
    {"PROXY TCP4 ", std::string_view("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n").size()},
    {"PROXY TCP6 ", std::string_view("PROXY TCP6 :: :: 1 1\r\n").size()},
    {"PROXY UNKNOWN", std::string_view("PROXY UNKNOWN\r\n").size()},
}};
constexpr std::size_t kShortestLine = kLineKinds[2].shortest;

// True while one is the beginning of the other.
bool may_begin_with(std::string_view octets, std::string_view start) {
  const std::size_t shared = std::min(octets.size(), start.size());
  return octets.substr(0, shared) == start.substr(0, shared);
}

std::uint8_t octet_at(std::string_view octets, std::size_t position) { return static_cast<std::uint8_t>(octets[position]); }

std::uint16_t number_at(std::string_view octets, std::size_t position) {
  return static_cast<std::uint16_t>((octet_at(octets, position) << 8) | octet_at(octets, position + 1));
}

// Decimal, without leading zeros (PROXY §2.1).
std::optional<std::uint16_t> parse_port(std::string_view text) {
  constexpr std::uint64_t kMaxPort = 65'535;
  if (text.empty() || text.size() > 5 || (text.front() == '0' && text.size() > 1)) return std::nullopt;
  const auto number = parse_unsigned(text);
  if (!number || *number > kMaxPort) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// Up to the next blank, which is taken too.
std::string_view take_word(std::string_view& text) {
  const std::size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  return word;
}

// "SOURCE DESTINATION PORT PORT", exactly.
std::optional<ProxyHeader::Source> parse_addresses(std::string_view text, bool is_v6) {
  if (std::ranges::count(text, ' ') != 3) return std::nullopt;
  const auto parse_one = [&]() -> std::optional<IpAddress> {
    const std::string_view word = take_word(text);
    return (word.find(':') != std::string_view::npos) == is_v6 ? parse_ip_address(word) : std::nullopt;
  };
  const auto source = parse_one();
  const auto destination = parse_one();
  const auto source_port = parse_port(take_word(text));
  const auto destination_port = parse_port(text);
  if (!source || !destination || !source_port || !destination_port) return std::nullopt;
  return ProxyHeader::Source{*source, *source_port};
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

// PROXY §2.1. `line` is whole, without its CR LF.
ProxyParse parse_line(std::string_view line) {
  ProxyHeader header{.source = std::nullopt, .octets = line.size() + 2};
  if (!is_printable(line)) return ProxyFault{"a control character in the line"};
  for (const bool is_v6 : {false, true}) {
    const std::string_view start = kLineKinds[is_v6 ? 1 : 0].start;
    if (!line.starts_with(start)) continue;
    header.source = parse_addresses(line.substr(start.size()), is_v6);
    if (!header.source) return ProxyFault{"malformed addresses or ports"};
    return header;
  }
  const std::string_view unknown = kLineKinds[2].start;
  if (line == unknown || (line.starts_with(unknown) && line[unknown.size()] == ' ')) return header;
  return ProxyFault{"a protocol that is none of TCP4, TCP6 and UNKNOWN"};
}

ProxyParse parse_text(std::string_view octets) {
  const std::size_t end = octets.substr(0, kMaxProxyLineOctets - 1).find_first_of("\r\n");
  if (end == std::string_view::npos) {
    std::size_t least = std::max(kShortestLine, octets.size() + 2);
    for (const LineKind& kind : kLineKinds) {
      if (octets.starts_with(kind.start)) least = std::max(least, kind.shortest);
    }
    if (least > kMaxProxyLineOctets) return ProxyFault{"the line is too long"};
    return ProxyNeedsOctets{least - octets.size()};
  }
  if (end + 1 == octets.size() && octets[end] == '\r') return ProxyNeedsOctets{1};
  if (octets.substr(end, 2) != "\r\n") return ProxyFault{"a CR or LF on its own"};
  return parse_line(octets.substr(0, end));
}

// PROXY §2.2.7: type, length, value, one behind the other up to the end.
bool are_whole_tlvs(std::string_view octets) {
  while (!octets.empty()) {
    if (octets.size() < kTlvHeadOctets) return false;
    const std::size_t whole = kTlvHeadOctets + number_at(octets, 1);
    if (whole > octets.size()) return false;
    octets.remove_prefix(whole);
  }
  return true;
}

IpAddress address_at(std::string_view octets, std::size_t count) {
  IpAddress address;
  if (count == 4) address.octets[10] = address.octets[11] = 0xFF;
  std::transform(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(count),
                 address.octets.end() - static_cast<std::ptrdiff_t>(count), [](char c) { return static_cast<std::uint8_t>(c); });
  return address;
}

// `block` is what stands behind the fixed octets: source, destination, their ports, TLVs.
ProxyParse parse_block(std::uint8_t family, std::string_view block) {
  ProxyHeader header{.source = std::nullopt, .octets = kFixedOctets + block.size()};
  if (family == kUnspecified) return header;
  std::size_t addresses = kUnixOctets;
  if (family == kTcp4) addresses = kTcp4Octets;
  if (family == kTcp6) addresses = kTcp6Octets;
  if (block.size() < addresses) return ProxyFault{"the block is too short for its addresses"};
  if (!are_whole_tlvs(block.substr(addresses))) return ProxyFault{"a TLV does not fit the block"};
  if (family == kUnixStream) return header;
  const std::size_t each = family == kTcp4 ? 4 : 16;
  header.source = ProxyHeader::Source{address_at(block, each), number_at(block, 2 * each)};
  return header;
}

// PROXY §2.2.
ProxyParse parse_binary(std::string_view octets) {
  if (octets.size() < kFixedOctets) return ProxyNeedsOctets{kFixedOctets - octets.size()};
  const std::uint8_t command = octet_at(octets, 12);
  const std::uint8_t family = octet_at(octets, 13);
  const std::size_t length = number_at(octets, 14);
  if (command != kLocal && command != kProxy) return ProxyFault{"an unknown version or command"};
  // LOCAL: whatever the family says is ignored.
  const bool is_known_family = family == kUnspecified || family == kTcp4 || family == kTcp6 || family == kUnixStream;
  if (command == kProxy && !is_known_family) return ProxyFault{"neither a TCP connection nor a UNIX stream"};
  if (length > kMaxProxyBlockOctets) return ProxyFault{"the block is too long"};
  const std::size_t whole = kFixedOctets + length;
  if (octets.size() < whole) return ProxyNeedsOctets{whole - octets.size()};
  return parse_block(command == kLocal ? kUnspecified : family, octets.substr(kFixedOctets, length));
}

}  // namespace

ProxyParse parse_proxy_header(std::string_view octets) {
  if (octets.empty()) return ProxyNeedsOctets{kShortestLine};
  if (may_begin_with(octets, kSignature)) return parse_binary(octets);
  if (may_begin_with(octets, kLineStart)) return parse_text(octets);
  return ProxyFault{"no PROXY header"};
}

}  // namespace postern::net
