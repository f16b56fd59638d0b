// The body of POST /v1/emails: what it becomes, and which field is named when it is wrong.
#include "api/email_request.h"

#include "core/base64.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::api {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::StartsWith;

json::object sound() {
  return {{"from", "Shop <shop@example.org>"}, {"to", "ann@example.net"}, {"subject", "Order"}, {"text", "Hello"}};
}

template <class Value>
json::object with(std::string_view name, const Value& value) {
  json::object body = sound();
  body[name] = value;
  return body;
}

std::string fault_of(const json::value& body, const EmailLimits& limits = {}) {
  const auto parsed = parse_email_request(body, limits);
  const auto* fault = std::get_if<EmailFault>(&parsed);
  return fault ? fault->detail : "none";
}

std::string name_of(const json::value& body, const EmailLimits& limits = {}) {
  const auto parsed = parse_email_request(body, limits);
  const auto* fault = std::get_if<EmailFault>(&parsed);
  if (!fault) return "none";
  return std::string(json::parse(fault->response().body).as_object().at("name").get_string());
}

EmailRequest parsed_of(const json::value& body) {
  auto parsed = parse_email_request(body, {});
  EXPECT_TRUE(std::holds_alternative<EmailRequest>(parsed)) << fault_of(body);
  return std::get<EmailRequest>(std::move(parsed));
}

template <class Value>
json::value attachment_with(std::string_view name, const Value& value) {
  json::object attachment = {{"filename", "a.txt"}, {"content", "AAAA"}};
  attachment[name] = value;
  return json::array({std::move(attachment)});
}

TEST(EmailRequest, TakesAddressesAsTextOrList) {
  json::object body = sound();
  body["to"] = json::array({"ann@example.net", "Bob <bob@example.net>"});
  body["cc"] = "ANN@example.net";
  body["bcc"] = json::array({"bob@EXAMPLE.net", "eve@example.net"});
  body["reply_to"] = "help@example.org";
  const EmailRequest request = parsed_of(body);
  std::vector<std::string> recipients;
  for (const Mailbox& mailbox : request.recipients) recipients.push_back(format_mailbox(mailbox));
  EXPECT_THAT(recipients, ElementsAre("ann@example.net", "bob@example.net", "ANN@example.net", "eve@example.net"))
      << "each address once; the case of a local part is the receiver's business";
  EXPECT_THAT(request.summary.to, ElementsAre("ann@example.net", "Bob <bob@example.net>"));
  EXPECT_THAT(request.summary.bcc, ElementsAre("bob@EXAMPLE.net", "eve@example.net"));
  EXPECT_EQ(request.summary.from, "Shop <shop@example.org>");
  EXPECT_EQ(request.mail.reply_to.size(), 1U);
}

TEST(EmailRequest, KeepsBlindRecipientsOutOfTheContent) {
  const EmailRequest request = parsed_of(with("bcc", "secret@example.net"));
  EXPECT_EQ(mime::compose_mail(request.mail).find("secret"), std::string::npos);
}

TEST(EmailRequest, ReadsATimeAsPeopleAndProgramsWriteIt) {
  using std::chrono::seconds;
  struct Case {
    const char* text;
    std::optional<Hold> hold;
  };
  constexpr Instant kThen{seconds(1'795'253'400)};
  const Case cases[] = {
      {"2026-11-21T09:30:00Z", kThen},
      {"2026-11-21T09:30:00.858Z", kThen},
      {"2026-11-21T11:30:00+02:00", kThen},
      {"in 10 minutes", seconds(600)},
      {"In 1 min", seconds(60)},
      {"in 2 hours", seconds(7'200)},
      {"in 1 day", seconds(86'400)},
      {"in 90 seconds", seconds(90)},
      {"in 10 fortnights", std::nullopt},
      {"in ten minutes", std::nullopt},
      {"in 99999999999999999999 days", std::nullopt},
      {"2026-11-21", std::nullopt},
      {"2026-13-21T09:30:00Z", std::nullopt},
      {"tomorrow", std::nullopt},
      {"", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_schedule(c.text), c.hold) << c.text;
}

TEST(EmailRequest, TreatsNullAsAbsent) {
  json::object body = sound();
  for (const char* name : {"cc", "bcc", "reply_to", "html", "headers", "tags", "attachments", "scheduled_at", "topic_id"}) {
    body[name] = nullptr;
  }
  EXPECT_EQ(fault_of(body), "none");
}

TEST(EmailRequest, RefusesAnythingThatCouldMakeAHeaderField) {
  const std::string evil[] = {
      "x\r\nBcc: v@example.net", "x\nBcc: v@example.net", "x\rBcc: v@example.net", std::string("x\0y", 3), "x\x7Fy", "x\x1By"};
  for (const std::string& text : evil) {
    const std::pair<std::string, json::object> cases[] = {
        {"from", with("from", text + " <a@example.org>")},
        {"from", with("from", "a@example.org" + text)},
        {"to", with("to", text + " <a@example.org>")},
        {"to[0]", with("to", json::array({"a@example.org" + text}))},
        {"cc[1]", with("cc", json::array({"a@example.org", text}))},
        {"bcc", with("bcc", text)},
        {"reply_to", with("reply_to", text + "@example.org")},
        {"subject", with("subject", text)},
        {"headers", with("headers", json::object({{"X-A", text}}))},
        {"headers", with("headers", json::object({{"X-A: " + text, "b"}}))},
        {"headers", with("headers", json::object({{text, "b"}}))},
        {"tags[0]", with("tags", json::array({json::object({{"name", "a"}, {"value", text}})}))},
        {"tags[0]", with("tags", json::array({json::object({{"name", text}, {"value", "a"}})}))},
        {"attachments[0].filename", with("attachments", attachment_with("filename", text))},
        {"attachments[0].content_type", with("attachments", attachment_with("content_type", "text/plain" + text))},
        {"attachments[0].content_id", with("attachments", attachment_with("content_id", text))},
    };
    for (const auto& [field, body] : cases) {
      EXPECT_EQ(name_of(body), "validation_error") << json::serialize(body);
      EXPECT_THAT(fault_of(body), StartsWith(field + ":")) << json::serialize(body);
    }
  }
  EXPECT_THAT(fault_of(with("html", std::string("a\0b", 3))), StartsWith("html:"));
  EXPECT_EQ(fault_of(with("html", "a\r\nBcc: b\r\n\r\n")), "none") << "a body may hold any line";
}

TEST(EmailRequest, LetsNoHeaderFieldOverrideTheStructure) {
  for (const char* name : {"From", "to", "CC", "Bcc", "Reply-To", "Subject", "Sender", "Date", "Received", "Return-Path",
                           "MIME-Version", "Content-Type", "content-transfer-encoding", "DKIM-Signature", "ARC-Seal",
                           "Resent-From", "Received-SPF", "Authentication-Results"}) {
    EXPECT_THAT(fault_of(with("headers", json::object({{name, "x"}}))), StartsWith("headers: \"")) << name;
  }
  for (const char* name : {"", "X A", "X:A", "X\xC3\xA4"}) {
    EXPECT_THAT(fault_of(with("headers", json::object({{name, "x"}}))), StartsWith("headers: ")) << name;
  }
  EXPECT_THAT(fault_of(with("headers", json::object({{"X-A", "1"}, {"x-a", "2"}}))), StartsWith("headers: "));
  EXPECT_THAT(fault_of(with("headers", json::object({{"Message-ID", "no id"}}))), StartsWith("headers: "));
  const json::object good = {{"X-Entity-Ref-ID", "1"},
                             {"List-Unsubscribe", "<https://example.org/u>"},
                             {"In-Reply-To", "<a@b>"},
                             {"Message-ID", "<a@b.c>"}};
  EXPECT_EQ(fault_of(with("headers", good)), "none");
}

TEST(EmailRequest, NamesTheFieldThatIsWrong) {
  struct Case {
    json::value body;
    const char* name;
    const char* detail;
  };
  json::object without_from = sound();
  without_from.erase("from");
  json::object without_to = sound();
  without_to.erase("to");
  json::object without_subject = sound();
  without_subject.erase("subject");
  json::object without_text = sound();
  without_text.erase("text");
  const Case cases[] = {
      {nullptr, "validation_error", "the body"},
      {json::array(), "validation_error", "the body"},
      {without_from, "validation_error", "from: "},
      {without_to, "validation_error", "to: "},
      {without_subject, "validation_error", "subject: "},
      {without_text, "validation_error", "html: "},
      {with("from", "shop"), "invalid_sender", "from: "},
      {with("from", json::array({"a@example.org"})), "validation_error", "from: "},
      {with("to", "ann"), "invalid_recipient", "to: "},
      {with("to", json::array({"a@example.net", "a@example.net, b@example.net"})), "invalid_recipient", "to[1]: "},
      {with("to", json::array()), "validation_error", "to: "},
      {with("to", 1), "validation_error", "to: "},
      {with("subject", 1), "validation_error", "subject: "},
      {with("subject", std::string(901, 's')), "validation_error", "subject: "},
      {with("subject", std::string(450, 's') + ' ' + std::string(450, 's')), "validation_error", "subject: "},
      {with("text", json::object()), "validation_error", "text: "},
      {with("headers", json::array()), "validation_error", "headers: "},
      {with("headers", json::object({{"X-A", 1}})), "validation_error", "headers: "},
      {with("headers", json::object({{"X-A", std::string(901, 'v')}})), "validation_error", "headers: "},
      {with("tags", json::object()), "validation_error", "tags: "},
      {with("tags", json::array({json::object({{"name", "a b"}, {"value", "c"}})})), "validation_error", "tags[0]: "},
      {with("tags", json::array({json::object({{"name", std::string(257, 'a')}, {"value", "c"}})})), "validation_error",
       "tags[0]: "},
      {with("attachments", "x"), "validation_error", "attachments: "},
      {with("attachments", json::array({"x"})), "validation_error", "attachments[0]: "},
      {with("attachments", json::array({json::object({{"filename", "a"}})})), "validation_error", "attachments[0].content: "},
      {with("attachments", attachment_with("content", "not base64!")), "validation_error", "attachments[0].content: "},
      {with("attachments", attachment_with("path", "http://127.0.0.1/secret")), "validation_error", "attachments[0].path: "},
      {with("attachments", attachment_with("content_type", "text")), "validation_error", "attachments[0].content_type: "},
      {with("attachments", attachment_with("content_id", "a b")), "validation_error", "attachments[0].content_id: "},
      {with("scheduled_at", "soon"), "validation_error", "scheduled_at: "},
      {with("scheduled_at", 1'795'253'400), "validation_error", "scheduled_at: "},
      {with("template", json::object({{"id", "t"}})), "validation_error", "template: "},
      {with("topic_id", "t"), "validation_error", "topic_id: "},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(name_of(c.body), c.name) << json::serialize(c.body);
    EXPECT_THAT(fault_of(c.body), StartsWith(c.detail)) << json::serialize(c.body);
  }
}

TEST(EmailRequest, HoldsItsLimits) {
  json::array addresses;
  for (int i = 0; i < 4; ++i) addresses.emplace_back("a" + std::to_string(i) + "@example.net");
  EXPECT_EQ(name_of(with("to", addresses), {.max_recipients = 3}), "too_many_recipients");
  EXPECT_EQ(name_of(with("to", addresses), {.max_recipients = 4}), "none");
  EXPECT_EQ(name_of(with("cc", addresses), {.max_recipients = 4}), "too_many_recipients") << "to, cc and bcc together";
  json::array tags;
  for (std::size_t i = 0; i <= kMaxTags; ++i) tags.push_back(json::object({{"name", "a"}, {"value", "b"}}));
  EXPECT_EQ(name_of(with("tags", tags)), "limit_exceeded");
  json::object headers;
  for (std::size_t i = 0; i <= kMaxCustomHeaders; ++i) headers["X-" + std::to_string(i)] = "x";
  EXPECT_EQ(name_of(with("headers", headers)), "limit_exceeded");
  json::array attachments;
  for (std::size_t i = 0; i <= kMaxAttachments; ++i) attachments.push_back(json::object({{"content", ""}}));
  EXPECT_EQ(name_of(with("attachments", attachments)), "limit_exceeded");
  EXPECT_EQ(name_of(with("attachments", attachment_with("content", "AAAA")), {.takes_attachments = false}), "validation_error");
}

TEST(EmailRequest, ReadsAttachmentsAsThePackagesSendThem) {
  const json::value list = json::array({
      json::object({{"filename", "a.txt"}, {"content", encode_base64("octets")}}),
      json::object({{"filename", false}, {"content", json::object({{"type", "Buffer"}, {"data", json::array({0, 255})}})}}),
      json::object({{"filename", "b.png"}, {"content", ""}, {"content_id", "<logo>"}, {"content_type", "image/png; name=b"}}),
  });
  const EmailRequest request = parsed_of(with("attachments", list));
  ASSERT_EQ(request.mail.attachments.size(), 3U);
  EXPECT_EQ(request.mail.attachments[0].content, "octets");
  EXPECT_EQ(request.mail.attachments[1].content, std::string("\0\xFF", 2));
  EXPECT_EQ(request.mail.attachments[1].filename, "");
  EXPECT_EQ(request.mail.attachments[2].content_id, "logo");
  EXPECT_EQ(request.mail.attachments[2].content_type, "image/png; name=b");
}

TEST(EmailRequest, TakesBase64InLines) {
  const std::string octets(100, 'o');
  for (const char* line_end : {"\r\n", "\n", "\r", " "}) {
    std::string text = encode_base64(octets).insert(76, line_end);
    EXPECT_EQ(parsed_of(with("attachments", attachment_with("content", text))).mail.attachments[0].content, octets);
    text += line_end;
    EXPECT_EQ(parsed_of(with("attachments", attachment_with("content", text))).mail.attachments[0].content, octets);
  }
  for (const char* bad : {"AA\r\n-A", "AAA", "AA=A\n", "\x01" "AAAA"}) {
    EXPECT_EQ(name_of(with("attachments", attachment_with("content", bad))), "validation_error") << bad;
  }
}

TEST(EmailRequest, TakesMediaTypesWithParametersAndNothingElse) {
  for (const char* type :
       {"text/calendar; charset=utf-8; method=REQUEST", "text/plain;charset=\"utf-8\"", "image/png ;", "a/b; c=\"d;\\\"e\""}) {
    EXPECT_EQ(parsed_of(with("attachments", attachment_with("content_type", type))).mail.attachments[0].content_type, type);
  }
  for (const char* type : {"text/plain; charset", "text/plain; =x", "text/plain; a=b c=d", "text/plain; a=\"b",
                           "text/plain; a=b; A=c", "text/plain a=b"}) {
    EXPECT_THAT(fault_of(with("attachments", attachment_with("content_type", type))), StartsWith("attachments[0].content_type: "))
        << type;
  }
}

TEST(EmailRequest, CountsCharactersAsTheSchemaDoes) {
  std::string subject;
  for (int i = 0; i < 900; ++i) subject += "\xE5\xB1\xB1";
  EXPECT_EQ(fault_of(with("subject", subject)), "none");
  EXPECT_THAT(fault_of(with("subject", subject + "x")), StartsWith("subject: is longer than 900 characters"));
}

TEST(EmailRequest, TakesLongReferencesAndNoEncodedIds) {
  std::string references;
  for (int i = 0; i < 200; ++i) references += "<" + std::string(80, 'r') + std::to_string(i) + "@example.org> ";
  EXPECT_EQ(fault_of(with("headers", json::object({{"References", references}}))), "none");
  EXPECT_THAT(fault_of(with("headers", json::object({{"References", std::string(32'769, 'r')}}))), StartsWith("headers: "));
  for (const char* name : {"List-Unsubscribe", "References", "in-reply-to"}) {
    EXPECT_THAT(fault_of(with("headers", json::object({{name, "<\xC3\xBC@example.org>"}}))), StartsWith("headers: ")) << name;
  }
}

TEST(EmailRequest, TakesAnEmptyTextBesideHtmlAsNone) {
  json::object body = with("html", "<p>x</p>");
  body["text"] = "";
  EXPECT_FALSE(parsed_of(body).mail.text);
  EXPECT_TRUE(parsed_of(with("text", "")).mail.text);
}

}  // namespace
}  // namespace postern::api
