// The resolver over a name server of the test's own on loopback: answers, their absence, their failure, silence.
#include "dns/resolver.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <thread>

namespace postern::dns {
namespace {

std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size()) + std::string(label);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return wire + '\0';
}

std::string wire_strings(std::initializer_list<std::string_view> strings) {
  std::string wire;
  for (const auto text : strings) wire += static_cast<char>(text.size()) + std::string(text);
  return wire;
}

std::string be16(std::size_t number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)}; }

struct Scripted {
  int code = 0;                    // RCODE
  std::vector<std::string> rdata;  // one a record
  bool is_silent = false;
};

using Names = std::map<std::string, Scripted>;

// UDP only; knows A, CNAME, MX, TXT and AAAA by their numbers in the question.
class NameServer {
 public:
  explicit NameServer(Names names) : names_(std::move(names)) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    is_stopped_ = true;
    thread_.join();
    ::close(fd_);
  }
  std::string address() const { return "127.0.0.1@" + std::to_string(port_); }

 private:
  void serve() {
    while (!is_stopped_) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      std::array<char, 1500> packet{};
      sockaddr_in peer{};
      socklen_t length = sizeof peer;
      const auto octets = ::recvfrom(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&peer), &length);
      if (octets < 17) continue;
      const std::string reply = answer(std::string_view(packet.data(), static_cast<std::size_t>(octets)));
      if (!reply.empty()) ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }

  std::string answer(std::string_view query) const {
    std::string name;
    std::size_t at = 12;
    for (; query[at] != '\0'; at += 1 + static_cast<std::size_t>(query[at])) {
      name += (name.empty() ? "" : ".") + std::string(query.substr(at + 1, static_cast<std::size_t>(query[at])));
    }
    const std::string_view question = query.substr(12, at + 5 - 12);
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto found = names_.find(name);
    const Scripted scripted = found == names_.end() ? Scripted{3, {}, false} : found->second;
    if (scripted.is_silent) return {};
    std::string reply(query.substr(0, 2));
    reply += be16(static_cast<std::size_t>(0x8180 | scripted.code)) + be16(1) + be16(scripted.rdata.size()) + be16(0) + be16(0);
    reply += question;
    for (const std::string& rdata : scripted.rdata) {
      reply += be16(0xc00c) + std::string(question.substr(question.size() - 4)) + be16(0) + be16(3600) + be16(rdata.size()) + rdata;
    }
    return reply;
  }

  Names names_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_stopped_{false};
  std::thread thread_;
};

std::unique_ptr<Resolver> resolver_over(const NameServer& server, std::chrono::milliseconds timeout = std::chrono::seconds(120)) {
  return Resolver::open({.servers = {server.address()}, .timeout = timeout, .trust_anchor_file = ""}).value();
}

TEST(Resolver, ReadsEveryTypeAsText) {
  struct Case {
    std::string_view type;
    std::string name;
    std::string rdata;
    std::string value;
  };
  const Case cases[] = {
      {"A", "a.example", std::string("\xC0\x00\x02\x01", 4), "192.0.2.1"},
      {"AAAA", "aaaa.example", std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16), "2001:db8::1"},
      {"CNAME", "cname.example", wire_name("Relay.Example.net"), "relay.example.net"},
      {"MX", "mx.example", be16(10) + wire_name("mx.example.net"), "10 mx.example.net"},
      {"MX", "null-mx.example", be16(0) + wire_name(""), "0 ."},
      {"TXT", "txt.example", wire_strings({"v=DKIM1; p=", "QUJD"}), "v=DKIM1; p=QUJD"},
      {"TXT", "empty-txt.example", wire_strings({""}), ""},
  };
  Names names;
  for (const Case& c : cases) names[c.name] = {0, {c.rdata}, false};
  const NameServer server(names);
  const auto resolver = resolver_over(server);
  for (const Case& c : cases) {
    const auto answer = resolver->look_up(c.name, c.type);
    ASSERT_TRUE(answer) << c.name << ": " << answer.error().message();
    EXPECT_TRUE(answer->exists) << c.name;
    EXPECT_EQ(answer->values, std::vector<std::string>{c.value}) << c.name;
    EXPECT_FALSE(answer->is_secure) << c.name;
  }
}

TEST(Resolver, AnswersThatThereIsNothing) {
  const NameServer server(Names{{"nodata.example", {}}});
  const auto resolver = resolver_over(server);
  for (const char* name : {"nodata.example", "nxdomain.example"}) {
    const auto answer = resolver->look_up(name, "TXT");
    ASSERT_TRUE(answer) << name << ": " << answer.error().message();
    EXPECT_FALSE(answer->exists) << name;
    EXPECT_TRUE(answer->values.empty()) << name;
  }
}

TEST(Resolver, KeepsARecordsStringsApartFromTheNextRecord) {
  const NameServer server(Names{{"two.example", {0, {wire_strings({"a", "b"}), wire_strings({"c"})}, false}}});
  auto values = resolver_over(server)->look_up("two.example", "TXT").value().values;
  std::ranges::sort(values);
  EXPECT_EQ(values, (std::vector<std::string>{"ab", "c"}));
}

TEST(Resolver, AsksTheConfiguredServerForPrivateZonesToo) {
  Names names;
  const char* const kNames[] = {"relay.lab.test", "printer.home.arpa", "1.0.0.10.in-addr.arpa", "1.1.16.172.in-addr.arpa",
                                "1.1.168.192.in-addr.arpa", "1.2.0.192.in-addr.arpa", "1.0.0.0.d.f.ip6.arpa"};
  for (const char* name : kNames) names[name] = {0, {wire_strings({"here"})}, false};
  const NameServer server(names);
  const auto resolver = resolver_over(server);
  for (const char* name : kNames) {
    const auto answer = resolver->look_up(name, "TXT");
    ASSERT_TRUE(answer) << name << ": " << answer.error().message();
    EXPECT_EQ(answer->values, std::vector<std::string>{"here"}) << name;
  }
  EXPECT_FALSE(resolver->look_up("nothing.lab.test", "TXT").value().exists);
}

TEST(Resolver, FailsWhereTheServerDoes) {
  const NameServer server(Names{{"servfail.example", {2, {}, false}}, {"refused.example", {5, {}, false}}});
  const auto resolver = resolver_over(server);
  for (const char* name : {"servfail.example", "refused.example"}) {
    const auto answer = resolver->look_up(name, "TXT");
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code(), ErrorCode::ResolveFailed) << name;
  }
}

TEST(Resolver, WaitsNoLongerThanItIsTold) {
  const NameServer server(Names{{"silent.example", {0, {}, true}}, {"a.example", {0, {wire_strings({"here"})}, false}}});
  const auto resolver = resolver_over(server, std::chrono::milliseconds(500));
  const auto answer = resolver->look_up("silent.example", "TXT");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::ResolveFailed);
  EXPECT_NE(answer.error().context().find("no answer within 500 ms"), std::string::npos) << answer.error().context();
  bool is_answered = false;  // on a loaded machine not always within the half second
  for (int tries = 0; tries < 100 && !is_answered; ++tries) is_answered = resolver->look_up("a.example", "TXT").has_value();
  EXPECT_TRUE(is_answered) << "what is left alone holds nobody up";
}

TEST(Resolver, AsksOnceForWhatItJustLearnt) {
  auto server = std::make_unique<NameServer>(Names{{"a.example", {0, {wire_strings({"here"})}, false}}});
  const auto resolver = resolver_over(*server);
  ASSERT_TRUE(resolver->look_up("a.example", "TXT"));
  server.reset();  // who asks now gets no answer
  EXPECT_TRUE(resolver->look_up("a.example", "TXT"));
}

TEST(Resolver, ServesManyThreads) {
  Names names;
  for (int i = 0; i < 40; ++i) names["n" + std::to_string(i) + ".example"] = {0, {wire_strings({std::to_string(i)})}, false};
  const NameServer server(names);
  const auto resolver = resolver_over(server);
  std::vector<std::future<Result<DnsAnswer>>> answers;
  for (int i = 0; i < 40; ++i) {
    answers.push_back(
        std::async(std::launch::async, [&, i] { return resolver->look_up("n" + std::to_string(i) + ".example", "TXT"); }));
  }
  for (int i = 0; i < 40; ++i) {
    const auto answer = answers[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->values, std::vector<std::string>{std::to_string(i)});
  }
}

TEST(Resolver, RefusesWhatItDoesNotKnow) {
  const NameServer server(Names{});
  EXPECT_EQ(resolver_over(server)->look_up("a.example", "SRV").error().code(), ErrorCode::InvalidArgument);
  const auto opened = Resolver::open({.servers = {"no address"}, .timeout = std::chrono::seconds(1), .trust_anchor_file = ""});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::ResolveFailed);
}

}  // namespace
}  // namespace postern::dns
