// The lines as an operator finds them in the file.
#include "core/log.h"
#include "core/operator_log.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <fstream>
#include <sstream>

namespace postern {
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

TEST_F(OperatorLogTest, SaysAnAccountsNameBesideItsId) {
  const operator_log::Client client{AccountId{{7}}, KeyId{{2}}, *parse_ip_address("192.0.2.7")};
  int asked = 0;
  const std::string text = written([&] {
    operator_log::name_accounts([&](const AccountId&) {
      ++asked;
      return std::string("acme");
    });
    operator_log::auth_succeeded(client);
    operator_log::key_refused(client, Refusal::RevokedKey);
    operator_log::name_accounts({});
  });
  const std::string both = "account=" + format_id(client.account) + " account_name=acme";
  EXPECT_NE(text.find("auth_succeeded " + both), std::string::npos) << text;
  const std::string refused = "auth_failed reason=revoked_key peer=192.0.2.7 " + both + " key=" + format_id(client.key);
  EXPECT_NE(text.find(refused), std::string::npos) << text;
  EXPECT_EQ(asked, 1) << "no look-up for every line";
}

TEST_F(OperatorLogTest, NamesWhatRecipientsAndReceiversKnowAMessageBy) {
  const MessageId id = make_message_id(Instant{std::chrono::seconds{1'767'607'200}}, random_);
  const std::string text = written([&] {
    operator_log::message_accepted({AccountId{{1}}, KeyId{{2}}, *parse_ip_address("192.0.2.7")},
                                   {.id = id, .recipients = 1, .octets = 9, .header_id = "<x@y.example>",
                                    .sender_domain = "acme.example"});
  });
  EXPECT_NE(text.find("message_id=<x@y.example> sender_domain=acme.example"), std::string::npos) << text;
}

TEST_F(OperatorLogTest, BoundsTheLinesOfOneAccountsRefusalsAndSumsUpTheRest) {
  const operator_log::Client noisy{AccountId{{8}}, KeyId{{2}}, *parse_ip_address("192.0.2.7")};
  const operator_log::Client quiet{AccountId{{9}}, KeyId{{2}}, *parse_ip_address("192.0.2.8")};
  const Mailbox mailbox = *parse_mailbox("a@example.net");
  constexpr std::uint64_t kRefusals = 5'000;
  const std::string text = written([&] {
    for (std::uint64_t i = 0; i < kRefusals; ++i) operator_log::recipient_refused(noisy, Refusal::RecipientNotWhitelisted, mailbox);
    operator_log::recipient_refused(quiet, Refusal::RecipientNotWhitelisted, mailbox);
    operator_log::sum_up();
  });
  std::uint64_t lines = 0;
  for (std::size_t at = 0; (at = text.find("recipient_refused ", at)) != std::string::npos; ++at) ++lines;
  EXPECT_LT(lines, kRefusals / 2);
  EXPECT_NE(text.find(format_id(quiet.account)), std::string::npos) << "nobody else's lines go";
  const std::uint64_t of_noisy = lines - 1;
  const std::string summed = "log_lines_left_out kind=refusals lines=" + std::to_string(kRefusals - of_noisy);
  EXPECT_NE(text.find(summed), std::string::npos) << text.substr(text.size() - 300);
}

TEST_F(OperatorLogTest, BoundsTheLinesOfAStranger) {
  const std::string text = written([] {
    for (int i = 0; i < 1'000; ++i) operator_log::auth_failed(Refusal::InvalidKey, *parse_ip_address("198.51.100.9"));
    operator_log::sum_up();
  });
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 500) << "20 a second";
  EXPECT_NE(text.find("log_lines_left_out kind=auth_failed"), std::string::npos);
}

TEST_F(OperatorLogTest, SaysNothingOfTheCredentialThatFailed) {
  const std::string text =
      written([] { operator_log::auth_failed(Refusal::InvalidKey, *parse_ip_address("192.0.2.7")); });
  EXPECT_NE(text.find("auth_failed reason=invalid_key peer=192.0.2.7"), std::string::npos) << text;
}

}  // namespace
}  // namespace postern
