#include "events/attachment_links.h"

#include <gtest/gtest.h>

namespace postern::events {
namespace {

using Finding = AttachmentLinks::Finding;

constexpr Instant kNow{std::chrono::seconds(1'796'000'000)};
const MessageId kMessage{{1, 2, 3}};

std::string parameter(const std::string& url, const std::string& name) {
  const std::size_t begin = url.find(name + "=") + name.size() + 1;
  return url.substr(begin, url.find('&', begin) - begin);
}

TEST(AttachmentLinks, AreGoodUntilTheyExpire) {
  const AttachmentLinks links({7}, "https://relay.example.net");
  const auto link = links.link_to(kMessage, "0", kNow);
  const std::string place = "/v1/inbound/" + format_message_id(kMessage) + "/attachments/0/content?";
  EXPECT_TRUE(link.url.starts_with("https://relay.example.net" + place));
  EXPECT_EQ(link.expires_at, kNow + kAttachmentLinkLifetime);
  const std::string expires = parameter(link.url, "expires");
  const std::string signature = parameter(link.url, "signature");
  EXPECT_EQ(links.check(kMessage, "0", expires, signature, kNow), Finding::Good);
  EXPECT_EQ(links.check(kMessage, "0", expires, signature, link.expires_at), Finding::Good);
  EXPECT_EQ(links.check(kMessage, "0", expires, signature, link.expires_at + std::chrono::seconds(1)), Finding::Expired);
}

TEST(AttachmentLinks, CannotBeMadeOfOneAnother) {
  const AttachmentLinks links({7}, "");
  const std::string url = links.link_to(kMessage, "0", kNow).url;
  const std::string expires = parameter(url, "expires");
  const std::string signature = parameter(url, "signature");
  EXPECT_EQ(links.check(MessageId{{1, 2, 4}}, "0", expires, signature, kNow), Finding::Forged);
  EXPECT_EQ(links.check(kMessage, "1", expires, signature, kNow), Finding::Forged);
  EXPECT_EQ(links.check(kMessage, "0", "1896000000", signature, kNow), Finding::Forged);
  EXPECT_EQ(links.check(kMessage, "0", "", "", kNow), Finding::Forged);
  EXPECT_EQ(links.check(kMessage, "0", "x", signature, kNow), Finding::Forged);
  EXPECT_EQ(links.check(kMessage, "0", expires, std::string(signature.size(), '0'), kNow), Finding::Forged);
  EXPECT_EQ(AttachmentLinks({8}, "").check(kMessage, "0", expires, signature, kNow), Finding::Forged) << "another installation's";
}

}  // namespace
}  // namespace postern::events
