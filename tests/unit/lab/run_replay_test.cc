// A run as a file, and played again: the same by the same version, and what differs by another.
#include "lab/run_replay.h"

#include "lab/script_text.h"
#include "tests/support/temp_store.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using std::chrono::hours;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "Subject: x" and nothing else.
json::object mail(std::uint64_t hour, const std::string& to, std::string_view content = "U3ViamVjdDogeA0KDQp4DQo=") {
  return {{"at_microseconds", hour * 3'600'000'000},
          {"from", "app@example.com"},
          {"to", json::array{json::object{{"address", to}, {"notify", "FAILURE,DELAY"}}}},
          {"content", content}};
}

json::object run_file() {
  return {{"object", "run_export"},
          {"version", 1},
          {"run", "ci"},
          {"seed", 11},
          {"script", json::parse(R"({"rules":[{"stage":"rcpt","to":"ann@*","reply":"550 5.1.1 Not in a replay"},
                                             {"stage":"delivery","to":"defer@*","reply":"421 4.3.2 Down"},
                                             {"stage":"delivery","to":"some@*","chance":0.6,"reply":"450 4.2.0 Busy"},
                                             {"stage":"delivery","to":"spam@*","complain":true}]})")},
          {"clock_microseconds", UINT64_C(150) * 3'600'000'000},
          {"mails", json::array{mail(0, "ann@example.org"), mail(0, "defer@example.org"), mail(3, "some@example.org"),
                                mail(5, "bounced@simulator.postern.test"), mail(7, "bounced@simulator.postern.test"),
                                mail(9, "spam@example.org")}},
          {"journal", json::object()}};
}

class RunReplay : public ::testing::Test {
 protected:
  Result<json::object> play(store::Store& store, const json::value& file) {
    const auto run = read_run_export(file);
    if (!run) return run.error();
    return replay_run(store, io_, *run, settings_, clock_, random_);
  }

  RunReplay() {
    settings_.simulator_domain = "simulator.postern.test";
    settings_.notices.hostname = "relay.example";
  }

  net::asio::io_context io_{1};  // outlives the stores of the tests
  test::FakeClock clock_;
  test::FakeRandom random_;
  relay::RunClockSettings settings_;
};

TEST_F(RunReplay, TheSameVersionMakesTheSameJournal) {
  test::TempStore first;
  const auto journal = play(*first, run_file());
  ASSERT_TRUE(journal) << journal.error().message();
  ASSERT_GT(journal->at("messages").as_array().size(), 6U) << "and notices";
  EXPECT_EQ(journal->at("clock"), "540000.000000");
  test::TempStore second;
  clock_.advance(hours(1'000));
  const auto again = play(*second, run_file());
  ASSERT_TRUE(again);
  EXPECT_THAT(journal_differences(*journal, *again), IsEmpty());
  EXPECT_TRUE(*journal == *again);
}

TEST_F(RunReplay, WhatIsExportedIsPlayedAgain) {
  test::TempStore first;
  const auto journal = play(*first, run_file());
  ASSERT_TRUE(journal) << journal.error().message();
  const AccountId account = first->directory().list_accounts().value().front().id;
  relay::RunBook book(first->spool(), compile_script);
  ASSERT_TRUE(book.save());
  const auto file = export_run(first->spool(), book, account, "ci");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->at("mails").as_array().size(), 6U) << "notices are made anew";
  EXPECT_EQ(file->at("mails").as_array()[2].at("at_microseconds"), UINT64_C(3) * 3'600'000'000);
  const auto read = read_run_export(json::value(*file));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(read->mails[0].envelope.recipients[0].notify.delay);
  test::TempStore second;
  const auto again = play(*second, json::value(*file));
  ASSERT_TRUE(again) << again.error().message();
  // The book that counted the matches is gone with the first replay.
  EXPECT_TRUE(again->at("messages") == journal->at("messages"));
}

TEST_F(RunReplay, AnotherVersionIsToldByWhatItDoesOtherwise) {
  test::TempStore first;
  const auto journal = play(*first, run_file());
  ASSERT_TRUE(journal) << journal.error().message();
  settings_.policy.retry.lifetime = hours(24);
  test::TempStore second;
  const auto again = play(*second, run_file());
  ASSERT_TRUE(again);
  const auto differences = journal_differences(*journal, *again);
  ASSERT_FALSE(differences.empty());
  EXPECT_THAT(differences, Contains(HasSubstr("email.failed"))) << "given up sooner";
  EXPECT_LE(differences.size(), kMaxDifferences);
}

TEST_F(RunReplay, AFileThatIsNoneIsToldAllThatIsWrongWithIt) {
  json::object file = run_file();
  file["version"] = 2;
  file["mails"].as_array()[0].as_object()["to"] = json::array();
  file["mails"].as_array()[1].as_object()["content"] = "*";
  file["mails"].as_array()[2].as_object()["from"] = "nobody";
  file["other"] = 1;
  const std::string problems = read_run_export(json::value(file)).error().context();
  for (const char* place : {"version", "mails[0].to", "mails[1].content", "mails[2].from", "other"}) {
    EXPECT_THAT(problems, HasSubstr(place));
  }
  json::object script = run_file();
  script["script"] = json::parse(R"({"rules":[{"stage":"later"}]})");
  test::TempStore store;
  EXPECT_THAT(play(*store, json::value(script)).error().context(), HasSubstr("rules[0].stage")) << "a newer one's";
}

TEST(JournalDifferences, AreSaidOneByOne) {
  const json::object before = json::parse(R"({"matches":[{"stage":"rcpt"},{"stage":"delivery","rule":"a"}],"messages":[
    {"kind":"mail","from":"a","to":["b"],"subject":"x",
     "events":[{"at":"0","type":"email.sent"},{"at":"1","type":"email.delivered"}]},
    {"kind":"mail","from":"a","to":["b"],"subject":"y","events":[]}],"suppressions":[]})").as_object();
  json::object after = before;
  after["matches"].as_array().erase(after["matches"].as_array().begin());  // of a session
  EXPECT_THAT(journal_differences(before, after), IsEmpty());
  after["messages"].as_array()[0].as_object()["events"].as_array()[1].as_object()["at"] = "2";
  after["messages"].as_array().pop_back();
  after["suppressions"].as_array().push_back(json::object{{"address", "b"}});
  EXPECT_THAT(journal_differences(before, after),
              ::testing::ElementsAre(HasSubstr("message 1, event 2: was {\"at\":\"1\""), HasSubstr("message 2 is gone"),
                                     HasSubstr("messages: were 2, are 1"), HasSubstr("suppression 1 is new"),
                                     HasSubstr("suppressions: were 0, are 1")));
}

}  // namespace
}  // namespace postern::lab
