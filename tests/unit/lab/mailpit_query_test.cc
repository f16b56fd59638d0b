#include "lab/mailpit_query.h"

#include <gmock/gmock.h>

namespace postern::lab {
namespace {

CapturedMail order_mail() {
  store::StoredMessage stored;
  stored.message.summary.tags = {{"flow", "signup"}};
  stored.message.summary.bcc = {"secret@example.org"};
  return open_mail(std::move(stored),
                   "From: Shop <shop@example.com>\r\nTo: Ann <ann@example.org>\r\nCc: bob@example.net\r\nSubject: Your order 17\r\n"
                   "Message-ID: <1@example.com>\r\nReply-To: help@example.com\r\n\r\nThank you for the blue lamp.\r\n");
}

bool is_found(std::string_view query) {
  const auto terms = parse_mailpit_query(query);
  EXPECT_TRUE(terms) << query;
  return terms && fits_query(*terms, order_mail());
}

TEST(MailpitQuery, FindsWhatMailpitFinds) {
  for (const char* query : {"to:ann@example.org", "to:ANN", "from:shop", "cc:bob", "bcc:secret", "addressed:help@",
                            "subject:\"order 17\"", "message-id:1@example.com", "tag:flow",
                            "lamp", "\"blue lamp\"", "is:unread", "-to:eve", "!lamps",
                            "to:ann subject:order lamp", "  "}) {
    EXPECT_TRUE(is_found(query)) << query;
  }
}

TEST(MailpitQuery, LeavesOutWhatDoesNotFit) {
  for (const char* query : {"to:eve", "from:ann", "subject:\"17 order\"", "tag:signup", "\"lamp blue\"", "is:read", "-lamp",
                            "has:attachment", "to:ann to:eve", "bcc:ann"}) {
    EXPECT_FALSE(is_found(query)) << query;
  }
}

TEST(MailpitQuery, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(parse_mailpit_query("larger:1M").error().context(), testing::HasSubstr("larger"));
  std::string many;
  for (int i = 0; i < 60; ++i) many += "a ";
  EXPECT_FALSE(parse_mailpit_query(many));
}

}  // namespace
}  // namespace postern::lab
