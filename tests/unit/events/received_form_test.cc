#include "events/received_form.h"

#include "tests/support/fake_random.h"

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace postern::events {
namespace {

namespace json = boost::json;

using ::testing::HasSubstr;

constexpr std::string_view kRaw =
    "From: \"Ann A.\" <ann@example.net>\r\nTo: Sales <sales+in@example.org>, bob@example.net\r\nCc: carol@example.net\r\n"
    "Reply-To: desk@example.net\r\nMessage-ID: <2@example.net>\r\nIn-Reply-To:\r\n <1@example.org>\r\nSubject: Hi\r\n"
    "Date: Tue, 1 Dec 2026 09:30:00 +0000\r\nX-Odd: a\xff\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    "Content-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n";

struct ReceivedFormTest : ::testing::Test {
  ReceivedFormTest() : content(read_received(kRaw)) {
    test::FakeRandom random;
    event.type = EventType::MessageReceived;
    event.at = Instant(std::chrono::hours(500'000));
    event.message = make_message_id(event.at, random);
    event.recipient = "sales+42@example.org";
    stored.message.summary.from = "\"Ann A.\" <ann@example.net>";
    stored.message.summary.subject = "Hi";
    stored.message.summary.message_id = "<2@example.net>";
    stored.inbound.emplace().verdicts = store::InboundVerdicts{};
    stored.inbound->verdicts->spf = "pass";
    stored.inbound->verdicts->dkim = "none";
    stored.inbound->verdicts->dmarc = "fail";
    stored.inbound->verdicts->suspicion = "it failed DMARC";
    read_attached(kRaw, content);
  }
  json::object payload(store::ReceivedForm form) const {
    return received_payload(form, {.event = event, .stored = &stored, .content = &content, .links = links, .now = event.at});
  }

  Event event;
  store::StoredMessage stored;
  ReceivedContent content;
  const AttachmentLinks links{{1, 2}, "https://relay.example"};
};

TEST_F(ReceivedFormTest, OfMailKiteHasTextsAndLinks) {
  const json::object got = payload(store::ReceivedForm::MailKite);
  const std::string id = mailkite_message_id(event.message);
  EXPECT_EQ(got.at("id"), json::value(id));
  EXPECT_EQ(got.at("type"), "email.received");
  EXPECT_EQ(got.at("from"), json::value(json::object{{"address", "ann@example.net"}}));
  EXPECT_EQ(json::serialize(got.at("to")), R"([{"address":"sales+42@example.org"}])");
  EXPECT_EQ(got.at("text"), "hello");
  EXPECT_TRUE(got.at("html").is_null());
  EXPECT_EQ(got.at("threadId"), "<1@example.org>") << "what it answers";
  EXPECT_EQ(json::serialize(got.at("auth")), R"({"spf":"pass","dkim":"none","dmarc":"fail","spam":"suspect"})");
  const json::object& attached = got.at("attachments").at(0).as_object();
  EXPECT_EQ(attached.at("id"), json::value(id + ":0"));
  EXPECT_EQ(attached.at("contentType"), "application/pdf");
  EXPECT_EQ(attached.at("size"), 3);
  EXPECT_THAT(std::string(attached.at("url").as_string()), HasSubstr("https://relay.example/v1/inbound/"));
}

TEST_F(ReceivedFormTest, OfResendIsMetadataOnly) {
  const json::object got = payload(store::ReceivedForm::Resend);
  EXPECT_EQ(got.at("type"), "email.received");
  const json::object& data = got.at("data").as_object();
  EXPECT_EQ(data.at("email_id"), json::value(format_message_id(event.message)));
  EXPECT_EQ(data.at("from"), "\"Ann A.\" <ann@example.net>");
  EXPECT_EQ(json::serialize(data.at("cc")), R"(["carol@example.net"])");
  EXPECT_EQ(data.at("message_id"), "<2@example.net>");
  EXPECT_EQ(data.at("attachments").at(0).at("filename"), "a.pdf");
  EXPECT_EQ(data.find("text"), data.end());
}

TEST_F(ReceivedFormTest, OfPostmarkIsAllOfIt) {
  const json::object got = payload(store::ReceivedForm::Postmark);
  EXPECT_EQ(got.at("From"), "ann@example.net");
  EXPECT_EQ(got.at("FromName"), "Ann A.");
  EXPECT_EQ(got.at("MailboxHash"), "42") << "of the address that it came to";
  EXPECT_EQ(json::serialize(got.at("ToFull").at(0)), R"({"Email":"sales+in@example.org","Name":"Sales","MailboxHash":"in"})");
  EXPECT_EQ(got.at("ReplyTo"), "desk@example.net");
  EXPECT_EQ(got.at("Date"), "Tue, 1 Dec 2026 09:30:00 +0000");
  EXPECT_EQ(got.at("TextBody"), "hello");
  EXPECT_EQ(got.at("HtmlBody"), "");
  EXPECT_EQ(got.at("Attachments").at(0).at("Content"), "AAEC");
  EXPECT_EQ(got.at("Attachments").at(0).at("ContentLength"), 3);
  EXPECT_THAT(json::serialize(got.at("Headers")), HasSubstr(R"({"Name":"In-Reply-To","Value":"<1@example.org>"})"));
}

TEST_F(ReceivedFormTest, SaysWhatIsKnownWhereTheContentIsGone) {
  for (const auto form : {store::ReceivedForm::MailKite, store::ReceivedForm::Resend, store::ReceivedForm::Postmark}) {
    const json::object got =
        received_payload(form, {.event = event, .stored = nullptr, .content = nullptr, .links = links, .now = event.at});
    EXPECT_THAT(json::serialize(got), HasSubstr("sales+42@example.org")) << received_form_name(form);
  }
}

TEST_F(ReceivedFormTest, LeavesOctetsOutThatWouldBeTooMany) {
  const std::string big = "Content-Type: application/pdf; name=a.pdf\r\n\r\n" + std::string(kMaxEventAttachmentOctets + 1, 'x');
  ReceivedContent read = read_received(big);
  read_attached(big, read);
  ASSERT_EQ(read.attachments.size(), 1U);
  EXPECT_TRUE(read.octets.empty());
}

TEST(ReceivedForms, HaveNames) {
  for (const char* name : {"postern", "mailkite", "resend", "postmark"}) {
    EXPECT_EQ(received_form_name(*parse_received_form(name)), name);
  }
  EXPECT_EQ(parse_received_form("sendgrid"), std::nullopt);
}

}  // namespace
}  // namespace postern::events
