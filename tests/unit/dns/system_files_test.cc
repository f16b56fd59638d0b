#include "dns/system_files.h"

#include <gtest/gtest.h>

namespace postern::dns {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const HostTable& table, const std::string& name) {
  std::vector<std::string> written;
  const auto found = table.find(name);
  if (found == table.end()) return written;
  for (const IpAddress& address : found->second) written.push_back(format_ip_address(address));
  return written;
}

TEST(HostsFile, NamesAddressesInItsOrder) {
  const HostTable table = parse_hosts(
      "# comment\n"
      "127.0.0.1\tlocalhost\n"
      "192.0.2.7  Mail.Example. mail # the mail host\n"
      "2001:db8::7 mail.example\r\n"
      "192.0.2.7 mail\n"
      "not-an-address other.example\n"
      "192.0.2.8");
  EXPECT_THAT(texts(table, "mail.example"), ElementsAre("192.0.2.7", "2001:db8::7"));
  EXPECT_THAT(texts(table, "mail"), ElementsAre("192.0.2.7"));
  EXPECT_THAT(texts(table, "localhost"), ElementsAre("127.0.0.1"));
  EXPECT_TRUE(texts(table, "other.example").empty());
  EXPECT_TRUE(texts(table, "comment").empty());
}

TEST(HostsFile, ThatIsEmptyStillHasLocalhost) {
  EXPECT_THAT(texts(parse_hosts(""), "localhost"), ElementsAre("::1", "127.0.0.1"));
}

TEST(ResolvConfFile, NamesServersSearchListAndDots) {
  const ResolvConf conf = parse_resolv_conf(
      "; by hand\nnameserver 192.0.2.53\nnameserver fe80::1%eth0 # local\ndomain old.example\n"
      "search Corp.Example. example.org\noptions timeout:1 ndots:2 rotate\nnameserver\n");
  EXPECT_THAT(conf.servers, ElementsAre("192.0.2.53", "fe80::1"));
  EXPECT_THAT(conf.search, ElementsAre("corp.example", "example.org"));
  EXPECT_EQ(conf.ndots, 2U);
}

TEST(ResolvConfFile, WithoutServersMeansTheMachinesOwn) {
  const ResolvConf conf = parse_resolv_conf("");
  EXPECT_THAT(conf.servers, ElementsAre("127.0.0.1"));
  EXPECT_TRUE(conf.search.empty());
  EXPECT_EQ(conf.ndots, 1U);
}

TEST(ResolvConfFile, BoundsWhatItTakes) {
  std::string text = "search a b c d e f g h\noptions ndots:99\n";
  for (int i = 0; i < 9; ++i) text += "nameserver 192.0.2." + std::to_string(i) + "\n";
  const ResolvConf conf = parse_resolv_conf(text);
  EXPECT_EQ(conf.servers.size(), 3U);
  EXPECT_EQ(conf.search.size(), 6U);
  EXPECT_EQ(conf.ndots, 15U);
}

TEST(SearchList, IsForShortNames) {
  const ResolvConf conf{.servers = {}, .search = {"corp.example", "example.org"}, .ndots = 1};
  EXPECT_THAT(candidate_names("MailHub", conf), ElementsAre("mailhub.corp.example", "mailhub.example.org", "mailhub"));
  EXPECT_THAT(candidate_names("mail.hub", conf), ElementsAre("mail.hub"));
  EXPECT_THAT(candidate_names("mailhub.", conf), ElementsAre("mailhub"));
}

}  // namespace
}  // namespace postern::dns
