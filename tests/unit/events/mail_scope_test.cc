// Which mail a key or a webhook of some From domains sees.
#include "events/mail_scope.h"

#include "core/mailbox.h"

#include <gtest/gtest.h>

namespace postern::events {
namespace {

struct ScopeCase {
  const char* reverse_path;  // "" is the null reverse-path
  const char* from;
  bool is_own;
};

TEST(MailScope, IsToldByEveryAddressThatAReaderCouldTakeForTheSenders) {
  const std::vector<std::string> domains{"own.example", "also.example"};
  const std::string cut_before_the_address(store::kMaxSummaryOctets, 'x');
  const ScopeCase cases[] = {
      {"a@own.example", "a@own.example", true},
      {"a@OWN.example", "A <a@Also.Example>", true},
      {"a@own.example", "", true},
      {"", "a@own.example", true},
      {"", "", false},
      {"", "nobody", false},
      {"a@other.example", "a@own.example", false},
      {"a@own.example", "a@other.example", false},
      {"a@own.example", "a@own.example, b@other.example", false},
      {"a@own.example", "\"a@own.example\" <b@other.example>", false},
      {"a@own.example", "a@sub.own.example", false},
      {"a@own.example", "a@own.example.evil.example", false},
      {"a@own.example", cut_before_the_address.c_str(), false},
  };
  for (const ScopeCase& c : cases) {
    store::MessageRecord message;
    if (*c.reverse_path != 0) message.envelope.reverse_path = parse_mailbox(c.reverse_path).value();
    message.summary.from = c.from;
    EXPECT_EQ(is_mail_of(message, domains), c.is_own) << c.reverse_path << " " << c.from;
    EXPECT_TRUE(is_mail_of(message, {}));
  }
}

}  // namespace
}  // namespace postern::events
