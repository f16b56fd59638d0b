// Both versions as tables; every header is also given octet by octet, and every octet of it is broken once.
#include "net/proxy_header.h"

#include "core/bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postern::net {
namespace {

using namespace std::string_literals;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string two_octets(std::size_t number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 0xFF)}; }

std::string version_2(unsigned command, unsigned family, const std::string& block) {
  return kSignature + static_cast<char>(command) + static_cast<char>(family) + two_octets(block.size()) + block;
}

// 192.0.2.1 port 4660 to 198.51.100.2 port 587.
const std::string kTcp4Block = "\xC0\x00\x02\x01\xC6\x33\x64\x02\x12\x34\x02\x4B"s;
// 2001:db8::1 port 4660 to 2001:db8::2 port 587.
const std::string kTcp6Block =
    "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x01\x20\x01\x0D\xB8" + std::string(11, '\0') + "\x02\x12\x34\x02\x4B";

std::string tlv(char type, const std::string& value) { return type + two_octets(value.size()) + value; }

struct Good {
  const char* name;
  std::string octets;
  std::string source;  // "address port"; empty: none named
};

std::vector<Good> good_headers() {
  const std::string name = tlv('\x02', "relay.example.org");
  return {
      {"TCP4", "PROXY TCP4 192.0.2.1 198.51.100.2 4660 587\r\n", "192.0.2.1 4660"},
      {"the shortest TCP4", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "1.1.1.1 1"},
      {"the longest TCP4", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535"},
      {"port 0", "PROXY TCP4 192.0.2.1 198.51.100.2 0 587\r\n", "192.0.2.1 0"},
      {"TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 4660 587\r\n", "2001:db8::1 4660"},
      {"the shortest TCP6", "PROXY TCP6 :: :: 1 1\r\n", ":: 1"},
      {"the longest TCP6",
       "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"},
      {"IPv4 within TCP6", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 4660 587\r\n", "192.0.2.1 4660"},
      {"UNKNOWN", "PROXY UNKNOWN\r\n", ""},
      {"UNKNOWN with anything behind it", "PROXY UNKNOWN 127.0.0.1 what ever\r\n", ""},
      {"UNKNOWN of the longest form",
       "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", ""},
      {"version 2, TCP over IPv4", version_2(0x21, 0x11, kTcp4Block), "192.0.2.1 4660"},
      {"version 2, TCP over IPv6", version_2(0x21, 0x21, kTcp6Block), "2001:db8::1 4660"},
      {"version 2 with TLVs", version_2(0x21, 0x11, kTcp4Block + name + tlv('\x04', std::string(300, 'x'))), "192.0.2.1 4660"},
      {"version 2 with an empty TLV", version_2(0x21, 0x21, kTcp6Block + tlv('\x04', "")), "2001:db8::1 4660"},
      {"version 2 with the longest block", version_2(0x21, 0x11, kTcp4Block + tlv('\x04', std::string(4081, 'x'))),
       "192.0.2.1 4660"},
      {"version 2, LOCAL", version_2(0x20, 0x00, ""), ""},
      {"version 2, LOCAL with addresses", version_2(0x20, 0x11, kTcp4Block), ""},
      {"version 2, LOCAL of a family that is none", version_2(0x20, 0x77, "what ever"), ""},
      {"version 2, unspecified", version_2(0x21, 0x00, ""), ""},
      {"version 2, unspecified with a block", version_2(0x21, 0x00, "what ever"), ""},
      {"version 2, a UNIX stream", version_2(0x21, 0x31, std::string(216, 'u')), ""},
  };
}

std::string describe(const std::optional<ProxyHeader::Source>& source) {
  return source ? format_ip_address(source->address) + ' ' + std::to_string(source->port) : std::string();
}

TEST(ProxyHeader, IsReadInBothVersions) {
  for (const Good& good : good_headers()) {
    SCOPED_TRACE(good.name);
    const ProxyParse parsed = parse_proxy_header(good.octets);
    const auto* header = std::get_if<ProxyHeader>(&parsed);
    ASSERT_NE(header, nullptr);
    EXPECT_EQ(describe(header->source), good.source);
    EXPECT_EQ(header->octets, good.octets.size());
  }
}

TEST(ProxyHeader, EndsBeforeWhatTheClientSays) {
  for (const Good& good : good_headers()) {
    SCOPED_TRACE(good.name);
    const ProxyParse parsed = parse_proxy_header(good.octets + "EHLO client.example.org\r\n");
    ASSERT_TRUE(std::holds_alternative<ProxyHeader>(parsed));
    EXPECT_EQ(std::get<ProxyHeader>(parsed).octets, good.octets.size());
  }
}

TEST(ProxyHeader, AsksForMoreAtEveryOctetAndNeverBeyondItsEnd) {
  for (const Good& good : good_headers()) {
    SCOPED_TRACE(good.name);
    for (std::size_t size = 0; size < good.octets.size(); ++size) {
      const ProxyParse parsed = parse_proxy_header(std::string_view(good.octets).substr(0, size));
      const auto* needed = std::get_if<ProxyNeedsOctets>(&parsed);
      ASSERT_NE(needed, nullptr) << size;
      EXPECT_GE(needed->count, 1U);
      EXPECT_LE(size + needed->count, good.octets.size());
    }
  }
}

struct Bad {
  const char* name;
  std::string octets;
};

std::vector<Bad> bad_headers() {
  return {
      {"SMTP", "EHLO client.example.org\r\n"},
      {"its first octet", "E"},
      {"HTTP", "GET / HTTP/1.1\r\n"},
      {"a TLS hello", "\x16\x03\x01"},
      {"small letters", "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"},
      {"UDP4", "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n"},
      {"no family", "PROXY \r\n          "},
      {"UNKNOWN run together", "PROXY UNKNOWNS\r\n"},
      {"two blanks", "PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n"},
      {"a blank at the end", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n"},
      {"a tab", "PROXY TCP4\t192.0.2.1 198.51.100.2 1 2\r\n"},
      {"three numbers", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"},
      {"no ports", "PROXY TCP4 192.0.2.100 198.51.100.200\r\n"},
      {"an empty port", "PROXY TCP4 192.0.2.1 198.51.100.2  2\r\n"},
      {"a port above all", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n"},
      {"a port with a sign", "PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n"},
      {"a port with a zero in front", "PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n"},
      {"a second port that is none", "PROXY TCP4 192.0.2.1 198.51.100.2 1 x\r\n"},
      {"an address with zeros in front", "PROXY TCP4 192.000.2.1 198.51.100.2 1 2\r\n"},
      {"an address of three parts", "PROXY TCP4 192.0.2 198.51.100.2 1 22\r\n"},
      {"a destination that is none", "PROXY TCP4 192.0.2.1 relay.example.org 1 2\r\n"},
      {"IPv6 as TCP4", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"},
      {"IPv4 as TCP6", "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n"},
      {"a scope", "PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n"},
      {"brackets", "PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 2\r\n"},
      {"a bare LF", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n"},
      {"a bare CR", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\rEHLO"},
      {"a NUL in what UNKNOWN ignores", "PROXY UNKNOWN \0 here\r\n"s},
      {"an octet above ASCII", "PROXY UNKNOWN \xC3\xA4 here\r\n"},
      {"a line of 108 octets", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"},
      {"an endless line", "PROXY UNKNOWN " + std::string(5000, 'x')},
      {"a broken signature", kSignature.substr(0, 11) + "\r"},
      {"version 1 in binary", version_2(0x11, 0x11, kTcp4Block)},
      {"an unknown command", version_2(0x22, 0x11, kTcp4Block)},
      {"UDP over IPv4", version_2(0x21, 0x12, kTcp4Block)},
      {"UDP over IPv6", version_2(0x21, 0x22, kTcp6Block)},
      {"a UNIX datagram", version_2(0x21, 0x32, std::string(216, 'u'))},
      {"an unknown family", version_2(0x21, 0x41, kTcp6Block)},
      {"IPv4 without its last octet", version_2(0x21, 0x11, kTcp4Block.substr(0, 11))},
      {"IPv6 in the room of IPv4", version_2(0x21, 0x21, kTcp4Block)},
      {"a UNIX stream too short", version_2(0x21, 0x31, std::string(215, 'u'))},
      {"a TLV cut off in its head", version_2(0x21, 0x11, kTcp4Block + "\x04\x01")},
      {"a TLV beyond the block", version_2(0x21, 0x11, kTcp4Block + "\x04" + two_octets(9) + "12345678")},
      {"a block above the bound", version_2(0x21, 0x11, kTcp4Block + tlv('\x04', std::string(4082, 'x')))},
      {"a LOCAL block above the bound", version_2(0x20, 0x00, std::string(4097, 'x'))},
  };
}

TEST(ProxyHeader, IsRefusedWhereItIsNotExactlyOne) {
  for (const Bad& bad : bad_headers()) {
    SCOPED_TRACE(bad.name);
    const ProxyParse parsed = parse_proxy_header(bad.octets);
    ASSERT_TRUE(std::holds_alternative<ProxyFault>(parsed));
    EXPECT_FALSE(std::get<ProxyFault>(parsed).reason.empty());
  }
}

// Whoever reads as it is told gets the same fault, and holds no more than the bound.
TEST(ProxyHeader, IsRefusedOctetByOctetToo) {
  for (const Bad& bad : bad_headers()) {
    SCOPED_TRACE(bad.name);
    bool is_refused = false;
    for (std::size_t size = 0; size <= bad.octets.size() && !is_refused; ++size) {
      ASSERT_LE(size, kMaxProxyHeaderOctets);
      const ProxyParse parsed = parse_proxy_header(std::string_view(bad.octets).substr(0, size));
      ASSERT_FALSE(std::holds_alternative<ProxyHeader>(parsed));
      is_refused = std::holds_alternative<ProxyFault>(parsed);
    }
    EXPECT_TRUE(is_refused);
  }
}

}  // namespace
}  // namespace postern::net
