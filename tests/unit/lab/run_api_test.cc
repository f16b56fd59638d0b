// Runs over HTTP: made, listed, deleted; what is asked of their mail. That a wait is held is tests/e2e/t50_test_lab's to show.
#include "lab/run_api.h"

#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using api::Caller;
using testing::HasSubstr;

class RunApi : public ::testing::Test {
 protected:
  MessageId run_mail(const AccountId& account, std::string run, Environment environment, bool is_queued = true,
                     const std::string& content = "Subject: x\r\n\r\nx\r\n") {
    api_.clock.advance(std::chrono::milliseconds(1));
    test::Draft draft =
        test::make_draft(make_message_id(api_.clock.now(), api_.random), api_.clock.now(), {"live.example"}, environment);
    draft.message.account = draft.events[0].account = account;
    draft.message.user_name = std::move(run);
    draft.message.summary.subject = content.substr(9, content.find('\r') - 9);
    if (!is_queued) {
      draft.delivery.due.reset();
      draft.delivery.recipients[0].stage = store::RecipientStage::Delivered;
    }
    EXPECT_TRUE(test::commit_draft(api_.store.spool(), draft, content));
    return draft.message.id;
  }
  bool is_there(const MessageId& id) { return api_.store.spool().find(id).value().has_value(); }

  test::ApiFixture api_{run_api()};
};

TEST_F(RunApi, DeletesTheTestMailOfOneRun) {
  const AccountId another = api_.make_account("another");
  const MessageId queued = run_mail(api_.account, "ci-1", Environment::Test);
  const MessageId captured = run_mail(api_.account, "ci-1", Environment::Test, false);
  const MessageId others[] = {run_mail(api_.account, "ci-2", Environment::Test), run_mail(api_.account, "ci-1", Environment::Live),
                              run_mail(another, "ci-1", Environment::Test)};
  const auto deleted = api_.ask("DELETE /v1/test/runs/ci-1");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body.at("deleted").to_number<int>(), 2);
  EXPECT_FALSE(deleted.body.at("has_more").as_bool());
  EXPECT_TRUE(deleted.body.at("next").is_null());
  EXPECT_FALSE(is_there(queued));
  EXPECT_FALSE(is_there(captured));
  EXPECT_FALSE(api_.store.spool().read_chunk(captured, 0));
  for (const MessageId& id : others) EXPECT_TRUE(is_there(id));
  EXPECT_EQ(api_.store.spool().events_of(queued).value().size(), 1U) << "events have a time of their own";
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-1").name(), "not_found") << "nothing is left of it";
  EXPECT_EQ(api_.store.spool().usage().value().captured_octets, 0U);
  EXPECT_EQ(api_.store.spool().usage().value().queued, 3U);
  EXPECT_TRUE(api_.store.spool().examine().value().empty());
}

TEST_F(RunApi, ATestKeyDeletesItsRuns) {
  run_mail(api_.account, "ci-1", Environment::Test);
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-1", test_key).body.at("deleted").as_int64(), 1);
}

TEST_F(RunApi, FindsARunByItsIndexAmongMuchOtherMail) {
  const MessageId oldest = run_mail(api_.account, "ci-1", Environment::Test);
  std::vector<test::Waiter> waiters(2'500);
  for (test::Waiter& waiter : waiters) {
    api_.clock.advance(std::chrono::microseconds(1'000));
    test::Draft draft = test::make_draft(make_message_id(api_.clock.now(), api_.random), api_.clock.now(), {"live.example"});
    draft.message.account = api_.account;
    api_.store.spool().commit(api_.store.spool().open_message(draft.message.id), draft.new_message(), waiter.completion());
  }
  for (test::Waiter& waiter : waiters) ASSERT_TRUE(waiter.get());
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-1/wait", R"({"timeout_seconds":0})").text("message"), "1 message of 1: mail");
  const auto deleted = api_.ask("DELETE /v1/test/runs/ci-1");
  EXPECT_EQ(deleted.body.at("deleted").as_int64(), 1);
  EXPECT_FALSE(deleted.body.at("has_more").as_bool());
  EXPECT_FALSE(is_there(oldest));
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-1?after=x").status, 422);
}

TEST_F(RunApi, MakesARunWithANameOrWithOneMadeUp) {
  const auto made = api_.ask("POST /v1/test/runs", R"({"run":"ci-7","label":"nightly","seed":42,"expires_in_seconds":600})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.text("run"), "ci-7");
  EXPECT_EQ(made.body.at("seed").to_number<int>(), 42);
  EXPECT_EQ(api_.ask("POST /v1/test/runs", R"({"run":"ci-7"})").status, 409) << "there is one";
  EXPECT_EQ(api_.ask("GET /v1/test/runs/ci-7").text("label"), "nightly");
  EXPECT_THAT(api_.ask("POST /v1/test/runs", "{}").text("run"), testing::StartsWith("run_"));
  const auto refused = api_.ask("POST /v1/test/runs", R"({"run":"a b","seed":-1,"expires_in_seconds":5})");
  EXPECT_EQ(refused.status, 422);
  for (const char* member : {"run:", "seed:", "expires_in_seconds:"}) EXPECT_THAT(refused.text("message"), HasSubstr(member));
  EXPECT_EQ(api_.ask("GET /v1/test/runs/none").status, 404);
}

TEST_F(RunApi, ListsThoseThatWereMadeAndThoseThatHaveMail) {
  run_mail(api_.account, "ci-1", Environment::Test);
  run_mail(api_.account, "ci-2", Environment::Test);
  run_mail(api_.account, "ci-2", Environment::Test);
  run_mail(api_.make_account("another"), "ci-3", Environment::Test);
  run_mail(api_.account, "ci-4", Environment::Live);
  api_.clock.advance(std::chrono::seconds(1));
  api_.ask("POST /v1/test/runs", R"({"run":"ci-9"})");
  const auto listed = api_.ask("GET /v1/test/runs").body.at("data").as_array();
  std::vector<std::string> names;
  for (const auto& run : listed) names.emplace_back(run.at("run").as_string());
  EXPECT_THAT(names, testing::ElementsAre("ci-9", "ci-2", "ci-1")) << "the latest first, none of others";
  EXPECT_EQ(listed[1].at("messages").to_number<int>(), 2);
}

TEST_F(RunApi, ARunEndsWithAllThatItHolds) {
  api_.ask("POST /v1/test/runs", R"({"run":"ci-7","expires_in_seconds":60})");
  const MessageId of_run = run_mail(api_.account, "ci-7", Environment::Test, false);
  const MessageId of_another = run_mail(api_.account, "ci-8", Environment::Test, false);
  EXPECT_EQ(api_.store.spool().remove_expired(api_.clock.now(), 100).value().runs, 0U) << "not before its time";
  api_.clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(api_.store.spool().remove_expired(api_.clock.now(), 100).value().runs, 1U);
  EXPECT_FALSE(is_there(of_run));
  EXPECT_TRUE(is_there(of_another));
  EXPECT_EQ(api_.ask("GET /v1/test/runs/ci-7").status, 404);
  EXPECT_EQ(api_.ask("POST /v1/test/runs", R"({"run":"ci-7"})").status, 201) << "the name is free again";
  EXPECT_TRUE(api_.store.spool().examine().value().empty());
}

TEST_F(RunApi, DeletesARunThatWasMade) {
  api_.ask("POST /v1/test/runs", R"({"run":"ci-7"})");
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-7").status, 200);
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-7").status, 404);
}

TEST_F(RunApi, SaysWhatCameNearWhereNothingFits) {
  run_mail(api_.account, "ci-1", Environment::Test, false, "Subject: Welcome\r\n\r\nYour code is 481516.\r\n");
  run_mail(api_.account, "ci-2", Environment::Test, false, "Subject: Goodbye\r\n\r\nx\r\n");
  const auto met = api_.ask("POST /v1/test/runs/ci-1/wait", R"({"subject":"welcome","timeout_seconds":0})");
  EXPECT_TRUE(met.body.at("met").as_bool());
  EXPECT_EQ(met.body.at("data").at(0).at("codes").at(0).at("code").as_string(), "481516");
  const auto missed = api_.ask("POST /v1/test/runs/ci-1/wait", R"({"subject":"goodbye","timeout_seconds":0})");
  EXPECT_FALSE(missed.body.at("met").as_bool()) << "that is another run's";
  EXPECT_THAT(missed.text("message"), HasSubstr("1 message, none is mail, with the subject goodbye; near: "));
  EXPECT_EQ(missed.body.at("near_misses").at(0).at("differs_in").as_string(), "subject");
  const auto too_few = api_.ask("POST /v1/test/runs/ci-1/wait", R"({"count":2,"timeout_seconds":0})");
  EXPECT_FALSE(too_few.body.at("met").as_bool());
  EXPECT_EQ(too_few.body.at("count").to_number<int>(), 1);
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-0/wait", R"({"timeout_seconds":0})").text("message"), "the run has no message");
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-1/wait", R"({"timeout_seconds":121})").status, 422);
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-1/wait", R"({"since":"yesterday"})").status, 422);
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-1/wait", R"({"sbuject":"x"})").status, 422);
}

TEST_F(RunApi, ExtractsFromTheNewestMailThatFits) {
  run_mail(api_.account, "ci-1", Environment::Test, false, "Subject: Code\r\n\r\nYour code is 111111.\r\n");
  run_mail(api_.account, "ci-1", Environment::Test, false,
           "Subject: Code\r\nList-Unsubscribe: <https://example.org/u>\r\n\r\nYour code is 222222: https://example.org/go\r\n");
  const auto extracted = api_.ask("POST /v1/test/runs/ci-1/extract", R"({"subject":"code"})");
  EXPECT_EQ(extracted.text("code"), "222222");
  EXPECT_EQ(extracted.body.at("links").at(0).at("url").as_string(), "https://example.org/go");
  EXPECT_EQ(extracted.body.at("unsubscribe").at("addresses").at(0).as_string(), "https://example.org/u");
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-1/extract", R"({"subject":"other"})").name(), "not_found");
}

TEST_F(RunApi, ComparesARunWithExpectations) {
  run_mail(api_.account, "ci-1", Environment::Test, false, "Subject: Code\r\n\r\nYour code is 111111.\r\n");
  const auto held = api_.ask("POST /v1/test/runs/ci-1/assert", R"({"expect":[{"subject":"code","count":1,"code":true}]})");
  EXPECT_TRUE(held.body.at("passed").as_bool());
  const auto failed =
      api_.ask("POST /v1/test/runs/ci-1/assert",
               R"({"expect":[{"name":"the code","subject":"code","text":"222222"},{"kind":"notice"},{"to":"*@x","count":0}]})");
  EXPECT_EQ(failed.status, 200);
  EXPECT_FALSE(failed.body.at("passed").as_bool());
  EXPECT_THAT(failed.text("tap"), HasSubstr("not ok 1 - the code"));
  EXPECT_THAT(failed.text("tap"), HasSubstr("ok 3 - mail, to *@x"));
  EXPECT_EQ(failed.body.at("results").at(1).at("problems").at(0).as_string(),
            "count: expected at least 1; 1 message, none is a notice");
  EXPECT_EQ(api_.ask("POST /v1/test/runs/ci-1/assert", "{}").status, 422);
}

}  // namespace
}  // namespace postern::lab
