#include "dns/records.h"

#include "tests/support/name_server.h"

#include <gtest/gtest.h>

namespace postern::dns {
namespace {

using test::be16;
using test::wire_name;
using test::wire_strings;
using namespace std::string_literals;

Octets octets_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <class Record>
std::optional<Record> parse(const std::string& rdata) {
  return parse_rdata<Record>(octets_of(rdata));
}

TEST(DnsRecords, AreReadFromTheirOctets) {
  EXPECT_EQ(format_ip_address(parse<A>("\xC0\x00\x02\x01"s)->address), "192.0.2.1");
  EXPECT_EQ(format_ip_address(parse<Aaaa>("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s)->address), "2001:db8::1");
  EXPECT_EQ(parse<Cname>(wire_name("Relay.Example.net"))->host, "relay.example.net");
  EXPECT_EQ(parse<Ptr>(wire_name("host.example"))->host, "host.example");
  EXPECT_EQ(parse<Txt>(wire_strings({"v=DKIM1; p=", "QUJD"}))->text, "v=DKIM1; p=QUJD");
  EXPECT_EQ(parse<Txt>(wire_strings({""}))->text, "");
  const auto mx = parse<Mx>(be16(10) + wire_name("mx.example.net"));
  EXPECT_EQ(mx->preference, 10);
  EXPECT_EQ(mx->host, "mx.example.net");
  EXPECT_FALSE(mx->is_null());
  EXPECT_TRUE(parse<Mx>(be16(0) + wire_name(""))->is_null());
  const auto tlsa = parse<Tlsa>("\x03\x01\x02\xab\xcd"s);
  EXPECT_EQ(tlsa->usage, 3);
  EXPECT_EQ(tlsa->selector, 1);
  EXPECT_EQ(tlsa->matching, 2);
  EXPECT_EQ(tlsa->data, "\xab\xcd");
}

TEST(DnsRecords, ThatAreCutOrTooLongAreNone) {
  EXPECT_FALSE(parse<A>("\xC0\x00\x02"s));
  EXPECT_FALSE(parse<Aaaa>("\xC0\x00\x02\x01"s));
  EXPECT_FALSE(parse<Cname>(""s));
  EXPECT_FALSE(parse<Cname>("\x03""ab"s));
  EXPECT_FALSE(parse<Cname>(wire_name("a.example") + "x"));
  EXPECT_FALSE(parse<Cname>("\xC0\x00"s)) << "nothing is compressed here";
  EXPECT_FALSE(parse<Mx>(be16(10)));
  EXPECT_FALSE(parse<Txt>("\x05""abc"s));
  EXPECT_FALSE(parse<Tlsa>("\x03\x01\x02"s));
  std::string long_name;
  for (int i = 0; i < 5; ++i) long_name += "\x3f" + std::string(63, 'a');
  EXPECT_FALSE(parse<Cname>(long_name + '\0')) << "above 255 octets";
}

TEST(DnsRecords, ShowOctetsThatNoHostNameHas) {
  EXPECT_EQ(parse<Cname>("\x04""a.b\n\x07""example\0"s)->host, "a\\046b\\010.example");
  EXPECT_EQ(parse<Cname>("\x01\xff\0"s)->host, "\\255");
}

TEST(DnsRecords, OfWhichOneIsMalformedAreNoAnswer) {
  RawAnswer raw;
  raw.finding = Finding::Found;
  raw.rdata = {"\xC0\x00\x02\x01"s, "\xC0"s};
  const auto answer = read_answer<A>(raw);
  EXPECT_EQ(answer.finding, Finding::Failed);
  EXPECT_TRUE(answer.records.empty());
}

// A message with one question and records of the class IN.
std::string message_with(const std::string& question, const std::vector<std::string>& records) {
  std::string message = be16(1) + be16(0x8180) + be16(1) + be16(records.size()) + be16(0) + be16(0);
  message += question + be16(1) + be16(1);
  for (const std::string& record : records) message += record;
  return message;
}
std::string alias_record(const std::string& owner, const std::string& target) {
  return owner + be16(5) + be16(1) + be16(0) + be16(60) + be16(target.size()) + target;
}

TEST(DnsAliases, AreFollowedInTheirOrderWhateverTheRecords) {
  const std::string b = wire_name("b.example");
  const std::string c = wire_name("c.example");
  const std::string address = c + be16(1) + be16(1) + be16(0) + be16(60) + be16(4) + "\xC0\x00\x02\x01"s;
  const std::string message = message_with(
      wire_name("A.example"), {alias_record(b, c), address, alias_record("\xC0\x0c"s, b)});
  EXPECT_EQ(find_aliases(octets_of(message)), (std::vector<std::string>{"b.example", "c.example"}));
}

TEST(DnsAliases, ThatRunInACircleEnd) {
  const std::string a = wire_name("a.example");
  const std::string b = wire_name("b.example");
  const auto chain = find_aliases(octets_of(message_with(a, {alias_record(a, b), alias_record(b, a)})));
  EXPECT_EQ(chain, (std::vector<std::string>{"b.example", "a.example"}));
}

TEST(DnsAliases, OfWhatIsNoMessageAreNone) {
  EXPECT_TRUE(find_aliases(octets_of("")).empty());
  const std::string whole = message_with(wire_name("a.example"), {alias_record("\xC0\x0c"s, wire_name("b.example"))});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(find_aliases(octets_of(whole.substr(0, length))).empty()) << length;
  }
  const std::string circle = message_with("\xC0\x0c"s, {});
  EXPECT_TRUE(find_aliases(octets_of(circle)).empty()) << "a pointer at itself";
}

TEST(DnsNames, OfServicesAndAddresses) {
  EXPECT_EQ(tlsa_name(25, "mx.example.org"), "_25._tcp.mx.example.org");
  EXPECT_EQ(reverse_name(*parse_ip_address("192.0.2.1")), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_name(*parse_ip_address("2001:db8::1")),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace postern::dns
