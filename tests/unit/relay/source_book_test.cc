#include "relay/source_book.h"

#include "tests/support/captured_log.h"

#include <gmock/gmock.h>

#include <map>

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

constexpr Instant kNoon = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1) + hours(12);

class SourceBookTest : public testing::Test {
 protected:
  SourceBookTest() {
    source_.name = "out1";
    source_.v4 = parse_ip_address("192.0.2.1");
    source_.warm_up = {.from = std::chrono::floor<std::chrono::days>(kNoon), .first_day = 2, .growth_percent = 50, .warm_at = 100};
  }
  SourceBook::Memory memory() {
    return {.find =
                [this](const std::string& key) {
                  const auto found = kept_.find(key);
                  return found == kept_.end() ? std::nullopt : std::optional(found->second);
                },
            .put = [this](const std::string& key, std::string value) { kept_[key] = std::move(value); },
            .erase = [this](const std::string& prefix) {
              std::erase_if(kept_, [&](const auto& one) { return one.first.starts_with(prefix); });
            }};
  }

  std::map<std::string, std::string> kept_;
  EgressSource source_;
};

TEST_F(SourceBookTest, CountsADaysShareForEachProvider) {
  SourceBook book(memory());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(book.has_share(source_, "google", kNoon));
    book.take_share(source_, "google", kNoon);
  }
  EXPECT_FALSE(book.has_share(source_, "google", kNoon));
  EXPECT_TRUE(book.has_share(source_, "yahoo", kNoon)) << "another provider's share is its own";
  book.give_back(source_, "google", kNoon);
  EXPECT_TRUE(book.has_share(source_, "google", kNoon)) << "no session was had for one of them";
  book.take_share(source_, "google", kNoon);
  EXPECT_FALSE(book.has_share(source_, "google", end_of_day(kNoon) - hours(1)));
  EXPECT_TRUE(book.has_share(source_, "google", end_of_day(kNoon))) << "the next day has its own, and a larger one";
}

TEST_F(SourceBookTest, RemembersOverARestartAndForgetsOldDays) {
  kept_["2026-11-20 out1 google"] = "7";
  {
    SourceBook book(memory());
    book.take_share(source_, "google", kNoon);
    book.take_share(source_, "google", kNoon);
  }
  EXPECT_EQ(kept_, (std::map<std::string, std::string>{{"2026-12-01 out1 google", "2"}}));
  SourceBook book(memory());
  EXPECT_FALSE(book.has_share(source_, "google", kNoon));
}

TEST_F(SourceBookTest, KeepsNoCountOfAWarmSource) {
  source_.warm_up = {};
  SourceBook book(memory());
  book.take_share(source_, "google", kNoon);
  book.give_back(source_, "google", kNoon);
  EXPECT_TRUE(book.has_share(source_, "google", kNoon));
  EXPECT_TRUE(kept_.empty());
}

TEST_F(SourceBookTest, NamesAMissingAddressOnceAnHourAndTriesItEachMinute) {
  SourceBook book(memory());
  const auto log_of = [&](Instant at) {
    test::CapturedLog log;
    book.note_missing("out1", *source_.v4, at);
    return log.finish();
  };
  EXPECT_THAT(log_of(kNoon), HasSubstr("egress_source_missing source=out1 address=192.0.2.1"));
  EXPECT_TRUE(book.is_missing(source_, kNoon + minutes(1) - Duration{1}));
  EXPECT_FALSE(book.is_missing(source_, kNoon + minutes(1)));
  EXPECT_FALSE(book.is_missing(source_, kNoon - hours(1))) << "the clock was set back";
  EXPECT_THAT(log_of(kNoon + minutes(2)), Not(HasSubstr("egress_source_missing")));
  EXPECT_THAT(log_of(kNoon + hours(2)), HasSubstr("egress_source_missing"));
  source_.v6 = parse_ip_address("2001:db8::1");
  EXPECT_FALSE(book.is_missing(source_, kNoon + hours(2))) << "it has another address";
}

}  // namespace
}  // namespace postern::relay
