// Host names as the machine's own resolver takes them: addresses, the hosts file, short names, both
// families; the files are the test's own, and so is the name server.
#include "dns/host_lookup.h"

#include "dns/unbound_resolver.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/name_server.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace postern::dns {
namespace {

using test::NameServer;
using test::Scripted;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::string_literals;

constexpr std::size_t kAaaaCode = 28;

Scripted v4(int last) { return {0, {"\xC0\x00\x02"s + static_cast<char>(last)}, false}; }
Scripted v6(int last) {
  return {0, {"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"s + static_cast<char>(last)}, false};
}

class HostLookUp : public testing::Test {
 protected:
  HostLookUp() {
    std::string made = (std::filesystem::temp_directory_path() / "postern-hosts-XXXXXX").string();
    folder_ = ::mkdtemp(made.data());
    write_hosts("127.0.0.1 localhost\n192.0.2.77 mail.lan\n");
    write_conf("search corp.example\n");
  }
  ~HostLookUp() override { std::filesystem::remove_all(folder_); }

  void write_hosts(const std::string& text) { std::ofstream(folder_ / "hosts") << text; }
  void write_conf(const std::string& text) { std::ofstream(folder_ / "resolv.conf") << text; }

  static Scripted answer(const std::string& name, std::size_t type) {
    if (name == "both.example") return type == kAaaaCode ? v6(1) : v4(1);
    if (name == "many.example") {
      Scripted many;
      for (int i = 1; i <= 9; ++i) many.rdata.push_back((type == kAaaaCode ? v6(i) : v4(i)).rdata.front());
      return many;
    }
    if (name == "four.example") return type == kAaaaCode ? Scripted{} : v4(4);
    if (name == "half.example") return type == kAaaaCode ? Scripted{2, {}, false} : v4(5);
    if (name == "hub.corp.example") return type == kAaaaCode ? Scripted{} : v4(6);
    if (name == "mail.lan") return type == kAaaaCode ? v6(7) : v4(7);
    if (name == "xn--bcher-kva.example") return type == kAaaaCode ? Scripted{} : v4(8);
    if (name == "silent.example") return {0, {}, true};
    if (name == "failing.example") return {2, {}, false};
    if (name == "empty.example") return {};
    return {3, {}, false};
  }

  void open() {
    resolver_ = open_resolver({.servers = {server_.address()},
                               .timeout = seconds(120),
                               .trust_anchor_file = "",
                               .hosts_file = folder_ / "hosts",
                               .resolv_conf = folder_ / "resolv.conf"})
                    .value();
  }
  Result<std::vector<net::asio::ip::tcp::endpoint>> find(const std::string& host, Limits limits = {}) {
    if (!resolver_) open();
    return loop_.run(find_endpoints(resolver_.get(), host, 25, limits));
  }
  std::vector<std::string> found(const std::string& host) {
    std::vector<std::string> texts;
    const auto endpoints = find(host);
    EXPECT_TRUE(endpoints) << endpoints.error().message();
    if (endpoints) {
      for (const auto& endpoint : *endpoints) texts.push_back(endpoint.address().to_string());
    }
    return texts;
  }

  std::filesystem::path folder_;
  NameServer server_{answer};
  std::unique_ptr<Resolver> resolver_;
  test::CoroutineLoop loop_;
};

TEST_F(HostLookUp, OfAnAddressAsksNobody) {
  EXPECT_THAT(found("192.0.2.1"), ElementsAre("192.0.2.1"));
  EXPECT_THAT(found("2001:db8::1"), ElementsAre("2001:db8::1"));
  EXPECT_THAT(found("[2001:db8::1]"), ElementsAre("2001:db8::1"));
  EXPECT_EQ(find("192.0.2.1")->front().port(), 25);
  EXPECT_EQ(server_.questions(), 0U);
}

TEST_F(HostLookUp, TakesBothFamiliesInTurn) {
  EXPECT_THAT(found("both.example"), ElementsAre("2001:db8::1", "192.0.2.1"));
  EXPECT_THAT(found("four.example"), ElementsAre("192.0.2.4"));
  EXPECT_EQ(found("many.example").size(), kMaxAddresses);
  EXPECT_EQ(std::ranges::count_if(found("many.example"), [](const auto& text) { return text.starts_with("192."); }), 4);
}

TEST_F(HostLookUp, TakesWhatOneFamilyHasWhereTheOtherFails) { EXPECT_THAT(found("half.example"), ElementsAre("192.0.2.5")); }

TEST_F(HostLookUp, ReadsTheHostsFileBeforeTheDns) {
  EXPECT_THAT(found("mail.lan"), ElementsAre("192.0.2.77")) << "whole: no address of the DNS beside it";
  EXPECT_THAT(found("localhost"), ElementsAre("127.0.0.1"));
  EXPECT_EQ(server_.questions(), 0U);
  write_hosts("192.0.2.78 mail.lan other.lan\n");
  EXPECT_THAT(found("mail.lan"), ElementsAre("192.0.2.78")) << "as it is now";
  EXPECT_THAT(found("localhost"), ElementsAre("::1", "127.0.0.1")) << "whatever the file says";
}

TEST_F(HostLookUp, CompletesShortNames) {
  EXPECT_THAT(found("hub"), ElementsAre("192.0.2.6"));
  EXPECT_EQ(find("hub.").error().code(), ErrorCode::ResolveFailed) << "an absolute one it leaves alone";
}

TEST_F(HostLookUp, TakesNamesInUtf8) { EXPECT_THAT(found("bücher.example"), ElementsAre("192.0.2.8")); }

TEST_F(HostLookUp, SaysWhyThereIsNoAddress) {
  const auto gone = find("gone.example");
  EXPECT_EQ(gone.error().code(), ErrorCode::ResolveFailed);
  EXPECT_THAT(gone.error().context(), HasSubstr("gone.example: it has no address"));
  EXPECT_THAT(find("empty.example").error().context(), HasSubstr("empty.example: it has no address"));
  const auto failing = find("failing.example");
  EXPECT_EQ(failing.error().code(), ErrorCode::ResolveFailed);
  EXPECT_THAT(failing.error().context(), HasSubstr("SERVFAIL"));
  EXPECT_EQ(find("silent.example", {.timeout = std::chrono::milliseconds(30)}).error().code(), ErrorCode::ConnectionTimedOut);
  Cancellation cancellation;
  cancellation.cancel();
  EXPECT_EQ(find("silent.example", {.cancellation = &cancellation}).error().code(), ErrorCode::Cancelled);
}

// The machine's name servers change while the resolver lives (a lease, a VPN): the next look-up asks
// the new ones, and what the old ones were asked still ends.
TEST_F(HostLookUp, FollowsTheMachinesNameServers) {
  const NameServer before(NameServer::Names{});  // knows no name
  write_conf("nameserver " + before.address() + "\n");  // libunbound takes a port here as well
  resolver_ = open_resolver({.servers = {},
                             .timeout = seconds(120),
                             .trust_anchor_file = "",
                             .hosts_file = folder_ / "hosts",
                             .resolv_conf = folder_ / "resolv.conf"})
                  .value();
  EXPECT_FALSE(find("four.example"));
  write_conf("nameserver " + server_.address() + "\n");
  EXPECT_THAT(found("four.example"), ElementsAre("192.0.2.4"));
}

}  // namespace
}  // namespace postern::dns
