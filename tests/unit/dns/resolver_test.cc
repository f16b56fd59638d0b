// The resolver over a name server of the test's own on loopback: answers, their absence, their failure,
// silence, many at once, and the end of it all.
#include "dns/unbound_resolver.h"

#include "tests/support/coroutine_loop.h"
#include "tests/support/name_server.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace postern::dns {
namespace {

using test::be16;
using test::CoroutineLoop;
using test::NameServer;
using test::Scripted;
using test::wire_name;
using test::wire_strings;
using Names = NameServer::Names;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const std::string kAddress("\xC0\x00\x02\x01", 4);

std::unique_ptr<Resolver> resolver_over(const NameServer& server, milliseconds timeout = seconds(120)) {
  return open_resolver({.servers = {server.address()}, .timeout = timeout, .trust_anchor_file = ""}).value();
}

TEST(DnsResolver, AnswersThatThereIsNothingAndWhich) {
  const NameServer server(Names{{"nodata.example", {}}});
  const auto resolver = resolver_over(server);
  EXPECT_EQ(look_up_and_wait<Txt>(*resolver, "nodata.example").finding, Finding::NoRecord);
  EXPECT_EQ(look_up_and_wait<Txt>(*resolver, "nxdomain.example").finding, Finding::NoName);
}

TEST(DnsResolver, KeepsARecordsStringsApartFromTheNextRecord) {
  const NameServer server(Names{{"two.example", {0, {wire_strings({"a", "b"}), wire_strings({"c"})}, false}}});
  std::vector<std::string> texts;
  const auto resolver = resolver_over(server);
  for (const Txt& record : look_up_and_wait<Txt>(*resolver, "two.example").records) texts.push_back(record.text);
  EXPECT_THAT(texts, testing::UnorderedElementsAre("ab", "c"));
}

TEST(DnsResolver, AsksTheConfiguredServerForPrivateZonesToo) {
  Names names;
  const char* const kNames[] = {"relay.lab.test", "printer.home.arpa", "1.0.0.10.in-addr.arpa", "1.1.16.172.in-addr.arpa",
                                "1.1.168.192.in-addr.arpa", "1.2.0.192.in-addr.arpa", "1.0.0.0.d.f.ip6.arpa"};
  for (const char* name : kNames) names[name] = {0, {wire_name("here.example")}, false};
  const NameServer server(names);
  const auto resolver = resolver_over(server);
  for (const char* name : kNames) {
    const auto answer = look_up_and_wait<Ptr>(*resolver, name);
    ASSERT_TRUE(answer.is_found()) << name << ": " << answer.why;
    EXPECT_EQ(answer.records.front().host, "here.example") << name;
  }
  EXPECT_EQ(look_up_and_wait<Ptr>(*resolver, "nothing.lab.test").finding, Finding::NoName);
}

TEST(DnsResolver, FailsWhereTheServerDoes) {
  const NameServer server(Names{{"servfail.example", {2, {}, false}}, {"refused.example", {5, {}, false}}});
  const auto resolver = resolver_over(server);
  for (const char* name : {"servfail.example", "refused.example"}) {
    const auto answer = look_up_and_wait<Txt>(*resolver, name);
    EXPECT_EQ(answer.finding, Finding::Failed) << name;
    EXPECT_THAT(answer.why, HasSubstr(std::string("TXT ") + name)) << answer.why;
  }
}

TEST(DnsResolver, WaitsNoLongerThanItIsTold) {
  const NameServer server(Names{{"silent.example", {0, {}, true}}, {"a.example", {0, {kAddress}, false}}});
  const auto resolver = resolver_over(server, milliseconds(500));
  const auto blocking = look_up_and_wait<A>(*resolver, "silent.example");
  EXPECT_EQ(blocking.finding, Finding::TimedOut);
  EXPECT_THAT(blocking.why, HasSubstr("no answer within 500 ms"));
  CoroutineLoop loop;
  const auto awaited = loop.run(look_up<A>(*resolver, "silent.example", {.timeout = milliseconds(30)}));
  EXPECT_EQ(awaited.finding, Finding::TimedOut);
  EXPECT_THAT(awaited.why, HasSubstr("no answer within 30 ms"));
  const auto other = loop.run(look_up<A>(*resolver, "a.example", {.timeout = seconds(120)}));
  EXPECT_TRUE(other.is_found()) << "what is left alone holds nobody up: " << other.why;
}

TEST(DnsResolver, AsksOnceForWhatItJustLearnt) {
  auto server = std::make_unique<NameServer>(Names{{"a.example", {0, {kAddress}, false}}});
  const auto resolver = resolver_over(*server);
  ASSERT_TRUE(look_up_and_wait<A>(*resolver, "a.example").is_found());
  server.reset();  // who asks now gets no answer
  const auto again = look_up_and_wait<A>(*resolver, "A.example.");
  EXPECT_TRUE(again.is_found());
  EXPECT_LE(again.ttl, seconds(300)) << "what the server gave for an hour is forgotten sooner";
}

net::Awaitable<bool> has_address(Resolver& resolver, std::string name, Cancellation* cancellation = nullptr) {
  const auto answer = co_await look_up<A>(resolver, std::move(name), {.timeout = seconds(120), .cancellation = cancellation});
  co_return answer.is_found();
}

TEST(DnsResolver, HasThousandsUnderWayAtOnceOnOneThread) {
  const NameServer server([](const std::string&, std::size_t) { return Scripted{0, {kAddress}, false}; });
  const auto resolver = resolver_over(server);
  CoroutineLoop loop;
  std::vector<test::Pending<bool>> pending;
  constexpr int kLookUps = 2'000;
  for (int i = 0; i < kLookUps; ++i) pending.push_back(loop.start(has_address(*resolver, "n" + std::to_string(i) + ".example")));
  int found = 0;
  for (const auto& one : pending) found += loop.wait(one) ? 1 : 0;
  EXPECT_EQ(found, kLookUps);
  EXPECT_GE(server.questions(), static_cast<std::size_t>(kLookUps));
}

TEST(DnsResolver, ServesManyThreads) {
  const NameServer server([](const std::string&, std::size_t) { return Scripted{0, {kAddress}, false}; });
  const auto resolver = resolver_over(server);
  std::vector<std::future<bool>> found;
  for (int i = 0; i < 40; ++i) {
    found.push_back(std::async(std::launch::async, [&, i] {
      return look_up_and_wait<A>(*resolver, "n" + std::to_string(i) + ".example").is_found();
    }));
  }
  for (auto& one : found) EXPECT_TRUE(one.get());
}

TEST(DnsResolver, EndsALookUpThatIsCancelled) {
  const NameServer server(Names{{"silent.example", {0, {}, true}}});
  const auto resolver = resolver_over(server);
  CoroutineLoop loop;
  Cancellation cancellation;
  const auto pending = loop.start(look_up<A>(*resolver, "silent.example", {.cancellation = &cancellation}));
  loop.settle();
  EXPECT_FALSE(pending->has_value());
  cancellation.cancel();
  EXPECT_EQ(loop.wait(pending).finding, Finding::Cancelled);
  const auto later = loop.run(look_up<A>(*resolver, "a.example", {.cancellation = &cancellation}));
  EXPECT_EQ(later.finding, Finding::Cancelled);
}

TEST(DnsResolver, EndsWithLookUpsUnderWay) {
  const NameServer server([](const std::string&, std::size_t) { return Scripted{0, {}, true}; });
  CoroutineLoop loop;
  std::vector<test::Pending<bool>> pending;
  auto resolver = resolver_over(server);
  for (int i = 0; i < 500; ++i) pending.push_back(loop.start(has_address(*resolver, "n" + std::to_string(i) + ".example")));
  loop.settle();
  while (server.questions() == 0) std::this_thread::yield();
  resolver.reset();
  for (const auto& one : pending) EXPECT_FALSE(loop.wait(one));
}

TEST(DnsResolver, IsNotWaitedForByWhoeverEndsBeforeTheAnswer) {
  const NameServer server([](const std::string&, std::size_t) { return Scripted{0, {kAddress}, false}; });
  const auto resolver = resolver_over(server);
  {
    CoroutineLoop loop;
    Cancellation cancellation;
    for (int i = 0; i < 50; ++i) loop.start(has_address(*resolver, "n" + std::to_string(i) + ".example", &cancellation));
    loop.settle();
    cancellation.cancel();
    loop.settle();
  }
  EXPECT_TRUE(look_up_and_wait<A>(*resolver, "after.example").is_found());
}

TEST(DnsResolver, RefusesWhatIsNoNameAndNoServer) {
  const NameServer server(Names{});
  const auto resolver = resolver_over(server);
  const std::string names[] = {std::string("a\0b.example", 11), std::string(300, 'a') + ".example", "a..example"};
  for (const std::string& name : names) EXPECT_EQ(look_up_and_wait<A>(*resolver, name).finding, Finding::Failed) << name;
  const auto opened = open_resolver({.servers = {"no address"}, .timeout = seconds(1), .trust_anchor_file = ""});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::ResolveFailed);
}

}  // namespace
}  // namespace postern::dns
