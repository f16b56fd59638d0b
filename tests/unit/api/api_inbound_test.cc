// Links to what is attached to mail that came in, at the endpoint: good, forged, expired, and of a content that is gone.
#include "events/attachment_links.h"
#include "tests/support/api_fixture.h"

#include <gtest/gtest.h>

#include <future>

namespace postern::api {
namespace {

constexpr std::string_view kMail =
    "From: ann@example.net\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/pdf\r\n"
    "Content-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--\r\n";

class ApiInboundTest : public ::testing::Test {
 protected:
  ApiInboundTest() { api.context.attachment_links = events::AttachmentLinks({7}, ""); }

  MessageId bring() {
    const Instant now = api.clock.now();
    store::NewMessage message{.record = {}, .delivery = {}, .events = {}, .claim = {}};
    message.record.id = make_message_id(now, api.random);
    message.record.account = api.account;
    message.record.origin = store::MessageOrigin::Inbound;
    message.record.accepted_at = now;
    message.record.envelope.recipients.push_back({.mailbox = {"sales", "example.org"}, .notify = {}, .orcpt = {}});
    message.delivery.recipients.resize(1);
    message.delivery.settled_at = now;
    message.delivery.content_until = now + std::chrono::days(30);
    message.inbound.emplace();
    message.inbound->id = message.record.id;
    message.inbound->account = api.account;
    message.inbound->kind = "mail";
    const MessageId id = message.record.id;
    auto writer = api.store.spool().open_message(id, api.account);
    writer->append(kMail);
    std::promise<Result<void>> committed;
    api.store.spool().commit(std::move(writer), std::move(message),
                             [&](Result<void> done) { committed.set_value(std::move(done)); });
    committed.get_future().get().value();
    return id;
  }

  test::ApiFixture api{inbound_api()};
};

TEST_F(ApiInboundTest, HasLinksThatAreGoodUntilTheyExpire) {
  const MessageId id = bring();
  const auto list = api.ask("GET /v1/inbound/" + format_message_id(id) + "/attachments");
  ASSERT_EQ(list.status, 200);
  ASSERT_EQ(list.body.at("data").as_array().size(), 1U);
  EXPECT_EQ(list.body.at("data").at(0).at("filename"), "a.pdf");
  const std::string url(list.body.at("data").at(0).at("download_url").as_string());
  EXPECT_EQ(api.ask("GET " + url).status, 200);
  EXPECT_EQ(api.ask("GET " + url, Caller{}).status, 200) << "whoever has it";
  const auto forged = api.ask("GET " + url + "0", Caller{});
  EXPECT_EQ(forged.status, 403);
  EXPECT_EQ(forged.name(), "link_forged");
  api.clock.advance(events::kAttachmentLinkLifetime + std::chrono::seconds(1));
  const auto expired = api.ask("GET " + url, Caller{});
  EXPECT_EQ(expired.status, 410);
  EXPECT_EQ(expired.name(), "link_expired");
}

TEST_F(ApiInboundTest, LinksToNothingThatWasNotThere) {
  const auto link = api.context.attachment_links.link_to(bring(), "7", api.clock.now());
  EXPECT_EQ(api.ask("GET " + link.url, Caller{}).status, 404);
  const auto gone = api.context.attachment_links.link_to(MessageId{{9}}, "0", api.clock.now());
  EXPECT_EQ(api.ask("GET " + gone.url, Caller{}).status, 404);
}

}  // namespace
}  // namespace postern::api
