#include "mx/sts_policies.h"

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace postern::mx {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

std::string policy_text(const std::string& mode, const std::string& host, int max_age = 604'800) {
  return "version: STSv1\nmode: " + mode + "\nmx: " + host + "\nmax_age: " + std::to_string(max_age) + "\n";
}

class StsPoliciesTest : public testing::Test {
 protected:
  StsPoliciesTest() { publish("a"); }

  void publish(const std::string& id) { resolver_.zone[{"_mta-sts.example.org", "TXT"}] = {"v=STSv1; id=" + id + ";"}; }

  std::shared_ptr<StsPolicies> make() {
    return std::make_shared<StsPolicies>(
        resolver_, clock_, [this](std::string domain) { return fetch(std::move(domain)); },
        StsMemory{.find =
                      [this](const std::string& domain) {
                        const auto found = memory_.find(domain);
                        return found == memory_.end() ? std::nullopt : std::optional(found->second);
                      },
                  .put = [this](const std::string& domain, std::string octets) { memory_[domain] = std::move(octets); },
                  .erase = [this](const std::string& domain) { memory_.erase(domain); }});
  }
  net::Awaitable<Result<std::string>> fetch(std::string domain) {
    ++fetches_;
    EXPECT_EQ(domain, "example.org");
    co_await net::asio::post(io_, net::kAwait);
    co_return text_;
  }
  static net::Awaitable<void> ask(StsPolicies& policies, StsAnswer& answer) { answer = co_await policies.find("example.org"); }
  StsAnswer find() {
    StsAnswer answer;
    net::asio::co_spawn(io_, ask(*policies_, answer), net::asio::detached);
    io_.run();
    io_.restart();
    return answer;
  }
  // "in_force enforce mx"
  std::string found() {
    const StsAnswer answer = find();
    std::string text(sts_finding_name(answer.finding));
    if (!answer.policy) return text;
    text += answer.policy->policy.mode == StsMode::Enforce ? " enforce" : " testing";
    return answer.view("mx.example").matches ? text + " mx" : text;
  }

  net::asio::io_context io_;
  test::ScriptedResolver resolver_;
  test::FakeClock clock_;
  Result<std::string> text_ = policy_text("enforce", "mx.example");
  int fetches_ = 0;
  std::map<std::string, std::string> memory_;
  std::shared_ptr<StsPolicies> policies_ = make();
};

TEST_F(StsPoliciesTest, FetchesAPolicyOnceAndAgainWhereItsIdChanges) {
  EXPECT_EQ(found(), "in_force enforce mx");
  EXPECT_EQ(found(), "in_force enforce mx");
  EXPECT_EQ(fetches_, 1);
  text_ = policy_text("testing", "other.example");
  publish("b");
  EXPECT_EQ(found(), "in_force testing");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(StsPoliciesTest, FetchesNothingWhereNothingIsPublished) {
  resolver_.zone.clear();
  EXPECT_EQ(found(), "none");
  resolver_.is_down = true;
  EXPECT_EQ(found(), "none");
  EXPECT_EQ(fetches_, 0);
}

// RFC 8461 §5.1: an attacker who keeps the record or the policy away gains nothing before its end.
TEST_F(StsPoliciesTest, KeepsAPolicyUntilItsEndWhateverBecomesOfItsSource) {
  EXPECT_EQ(found(), "in_force enforce mx");
  const auto record = resolver_.zone;
  resolver_.zone.clear();
  EXPECT_EQ(found(), "kept enforce mx");
  resolver_.zone = record;
  publish("b");
  text_ = Error(ErrorCode::ConnectFailed, "no route to it");
  EXPECT_EQ(found(), "kept enforce mx");
  text_ = std::string("<html>");
  clock_.advance(hours(1));
  EXPECT_EQ(found(), "kept enforce mx");
  clock_.advance(hours(7 * 24));
  EXPECT_EQ(found(), "invalid");
  EXPECT_TRUE(memory_.empty());
}

TEST_F(StsPoliciesTest, RemembersPoliciesOverItsEnd) {
  EXPECT_EQ(found(), "in_force enforce mx");
  policies_ = make();
  EXPECT_EQ(found(), "in_force enforce mx");
  EXPECT_EQ(fetches_, 1);
  memory_["example.org"] = "damaged";
  policies_ = make();
  EXPECT_EQ(found(), "in_force enforce mx");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(StsPoliciesTest, PausesAfterAFetchThatFailed) {
  text_ = Error(ErrorCode::ConnectFailed, "no route to it");
  EXPECT_EQ(found(), "fetch_error");
  EXPECT_EQ(found(), "fetch_error");
  EXPECT_EQ(fetches_, 1);
  EXPECT_THAT(find().why, HasSubstr("no route to it"));
  clock_.advance(minutes(5));
  text_ = policy_text("enforce", "mx.example");
  EXPECT_EQ(found(), "in_force enforce mx");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(StsPoliciesTest, FetchesAPolicyThatIsUsedAnewThoughItsIdIsTheSame) {
  EXPECT_EQ(found(), "in_force enforce mx");
  clock_.advance(hours(19));
  EXPECT_EQ(found(), "in_force enforce mx");
  EXPECT_EQ(fetches_, 1);
  clock_.advance(hours(12));
  text_ = policy_text("testing", "mx.example");
  EXPECT_EQ(found(), "in_force enforce mx") << "nobody waits for it";
  EXPECT_EQ(fetches_, 2);
  EXPECT_EQ(found(), "in_force testing mx");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(StsPoliciesTest, FetchesOnceForAllWhoAskAtATime) {
  StsAnswer first;
  StsAnswer second;
  net::asio::co_spawn(io_, ask(*policies_, first), net::asio::detached);
  net::asio::co_spawn(io_, ask(*policies_, second), net::asio::detached);
  io_.run();
  EXPECT_EQ(first.finding, StsFinding::InForce);
  EXPECT_EQ(second.finding, StsFinding::InForce);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(StsPoliciesTest, TakesAPolicyThatEndsAtOnceForNone) {
  text_ = policy_text("enforce", "mx.example", 0);
  EXPECT_EQ(found(), "none");
}

}  // namespace
}  // namespace postern::mx
