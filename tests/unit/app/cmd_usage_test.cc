// postern usage and postern report daily, with what stands in the report.
#include "tests/unit/app/command_line_fixture.h"

#include "core/time_format.h"

namespace postern::app {
namespace {

using std::chrono::days;

class DailyReportCommand : public CommandLine {
 protected:
  DailyReportCommand() {
    must({"account", "create", "shop", "--mode", "production", "--per-day", "1000"});
    must({"account", "create", "idle"});
    write_directory(
        [this](store::DirectoryWriter& writer, const store::AccountRecord& account) -> Result<void> {
          store::StatsRow row;
          row.start = yesterday_ + std::chrono::hours(9);
          row.totals = {.accepted = 40, .delivered = 36, .deferred = 3, .bounced = 4, .refused = 2};
          row.domains = {{.domain = "well.example", .accepted = 30, .delivered = 30},
                         {.domain = "bad.example", .accepted = 10, .delivered = 6, .deferred = 3, .bounced = 4}};
          row.refusals = {{.token = "rate_limited", .count = 2}};
          row.delays = {20, 16};
          if (Result<void> added = writer.add_stats(account.id, row); !added) return added;
          return writer.add_to_counter(account.id, store::CounterPeriod::Day, SystemClock().now(), 900);
        },
        "shop");
  }

  Instant yesterday_ = std::chrono::floor<days>(SystemClock().now()) - days(1);
};

TEST_F(DailyReportCommand, SumsTheDayUpAndSaysWhatNeedsALook) {
  const std::string text = must({"report", "daily"});
  EXPECT_THAT(text, StartsWith("Mail of " + format_rfc3339(yesterday_).substr(0, 10) + " (UTC) at "));
  EXPECT_THAT(text, ContainsRegex("shop +40 +36 +3 +4 +2 +0 +0\n"));
  EXPECT_THAT(text, ContainsRegex("all +40 +36 +3 +4 +2 +0 +0\n"));
  EXPECT_THAT(text, Not(HasSubstr("idle"))) << "it had no mail";
  EXPECT_THAT(text, ContainsRegex("half of it was delivered within [0-9]+ ms"));
  EXPECT_THAT(text, ContainsRegex("bad.example +6 +3 +4\n"));
  EXPECT_THAT(text, Not(HasSubstr("well.example"))) << "nothing failed there";
  EXPECT_THAT(text, ContainsRegex("rate_limited +2\n"));
  EXPECT_THAT(text, HasSubstr("Nothing waits."));
  EXPECT_THAT(text, HasSubstr("account shop: has used 900 of today's 1000 recipients"));
}

TEST_F(DailyReportCommand, TellsWhatWaitsForLong) {
  age_of_mail_ = std::chrono::hours(6);
  put_message("shop", "app", Environment::Live);
  const std::string text = must({"report", "daily"});
  EXPECT_THAT(text, HasSubstr("1 message waits, the oldest since "));
  EXPECT_THAT(text, ContainsRegex("mail to example.net: 1 wait, the oldest since "));
}

TEST_F(DailyReportCommand, IsForAnotherDayToo) {
  EXPECT_THAT(must({"report", "daily", "--day", "2020-01-31"}), HasSubstr("There was no live mail."));
  EXPECT_THAT(must({"report", "daily", "--json"}), HasSubstr("\"totals\":{\"accepted\":40,\"delivered\":36"));
  EXPECT_EQ(run({"report", "daily", "--day", "today"}).status, kExitUsage);
}

TEST_F(DailyReportCommand, IsMailedAsTheRelaysOwn) {
  must({"report", "daily", "--mail", "ops@example.net"});
  const std::string shown = must({"message", "show", "--latest"});
  EXPECT_THAT(shown, AllOf(HasSubstr("ops@example.net"), HasSubstr("a notification of this relay")));
  const std::string content = must({"message", "show", "--latest", "--raw"});
  EXPECT_THAT(content, AllOf(HasSubstr("\r\nSubject: Mail of "), HasSubstr("\r\nAuto-Submitted: auto-generated\r\n"),
                             ContainsRegex("shop +40 +36")));
  EXPECT_EQ(run({"report", "daily", "--mail", "ops"}).status, kExitUsage);
}

TEST_F(DailyReportCommand, HasUsageOfAllAccountsAndOfOneByKey) {
  const std::string text = must({"key", "create", "shop", "--live", "--name", "till", "--json"});
  const std::size_t at = text.find("key_");
  const std::string key = text.substr(at, text.find('"', at) - at);
  write_directory(
      [&](store::DirectoryWriter& writer, const store::AccountRecord& account) {
        return writer.add_usage(account.id, parse_key_id(key).value(), yesterday_, 7, 9);
      },
      "shop");
  const std::string all = must({"usage"});
  EXPECT_THAT(all, ContainsRegex("shop +7 +9 +900 of 1000 +0 of "));
  EXPECT_THAT(all, ContainsRegex("idle +0 +0 "));
  EXPECT_THAT(must({"usage", "shop"}), ContainsRegex(key + " +till +7 +9\n"));
  EXPECT_THAT(must({"usage", "shop", "--json"}), HasSubstr("\"recipients\":9,\"day\":{\"used\":900,\"limit\":1000}"));
  EXPECT_THAT(must({"usage", "shop", "--to", "2020-01-31"}), ContainsRegex("messages +0\n"));
  EXPECT_EQ(run({"usage", "nobody"}).status, kExitRefused);
  EXPECT_EQ(run({"usage", "--from", "2027-02-01", "--to", "2027-01-01"}).status, kExitUsage);
  EXPECT_EQ(run({"usage", "--from", "2020-01-01", "--to", "2027-01-01"}).status, kExitUsage);
}

}  // namespace
}  // namespace postern::app
