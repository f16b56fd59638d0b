// The lines as an operator finds them in the file.
#include "core/log.h"
#include "relay/operator_log.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <fstream>
#include <sstream>

namespace postern::relay {
namespace {

class OperatorLogTest : public ::testing::Test {
 protected:
  std::string written(const std::function<void()>& write) {
    const std::filesystem::path path = folder_.path() / "log";
    log::start({.level = log::Level::Info, .format = log::Format::KeyValue, .path = path.string(), .with_time = false});
    write();
    log::stop();
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  test::TempFolder folder_;
  test::FakeRandom random_;
};

TEST_F(OperatorLogTest, WritesADeliveryOnOneLineWithItsMessageId) {
  operator_log::Attempt attempt;
  attempt.message = make_message_id(Instant{std::chrono::seconds{1'767'607'200}}, random_);
  attempt.recipient = "a@example.net";
  attempt.route = "default";
  attempt.remote = "mx.example.net [192.0.2.1]:25";
  attempt.attempts = 2;
  const std::string text =
      written([&] { operator_log::recipient_delivered(attempt, Status{250, EnhancedCode{2, 0, 0}, "ok\r\nforged line"}); });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_NE(text.find("recipient_delivered id=" + format_message_id(attempt.message)), std::string::npos) << text;
  EXPECT_NE(text.find("recipient=a@example.net"), std::string::npos);
  EXPECT_NE(text.find("attempts=2"), std::string::npos);
}

TEST_F(OperatorLogTest, NamesTheMessageThatCannotBeSigned) {
  const MessageId id = make_message_id(Instant{std::chrono::seconds{1'767'607'200}}, random_);
  const std::string text = written([&] {
    operator_log::message_not_signed({AccountId{{1}}, KeyId{{2}}, *parse_ip_address("192.0.2.7")}, id,
                                     Error(ErrorCode::IoError, "DKIM: no key"));
  });
  EXPECT_NE(text.find("message_not_signed id=" + format_message_id(id)), std::string::npos) << text;
  EXPECT_NE(text.find("DKIM: no key"), std::string::npos) << text;
}

TEST_F(OperatorLogTest, SaysNothingOfTheCredentialThatFailed) {
  const std::string text =
      written([] { operator_log::auth_failed(Refusal::InvalidKey, *parse_ip_address("192.0.2.7")); });
  EXPECT_NE(text.find("auth_failed reason=invalid_key peer=192.0.2.7"), std::string::npos) << text;
}

}  // namespace
}  // namespace postern::relay
