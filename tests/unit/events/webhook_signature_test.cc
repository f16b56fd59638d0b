// Signatures of webhook requests, against the vector that the reference implementations of the specification test with.
#include "events/webhook_signature.h"

#include "core/base64.h"
#include "tests/support/fake_random.h"

#include <gmock/gmock.h>

namespace postern::events {
namespace {

constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kBody = R"({"test": 2432232314})";
constexpr std::string_view kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const Instant kAt{std::chrono::seconds{1'614'265'330}};

std::string vector_secret() { return *decode_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"); }

store::WebhookRecord webhook_with(std::string secret) {
  store::WebhookRecord webhook;
  webhook.secret = std::move(secret);
  return webhook;
}

std::string field(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return "(absent)";
}

TEST(WebhookSignature, AgreesWithTheVectorOfTheSpecificationsLibraries) {
  EXPECT_EQ(sign_webhook(vector_secret(), kId, kAt, kBody), kSignature);
}

TEST(WebhookSignature, CoversIdTimeBodyAndSecret) {
  const std::string secret = vector_secret();
  EXPECT_NE(sign_webhook(secret, "msg_other", kAt, kBody), kSignature);
  EXPECT_NE(sign_webhook(secret, kId, kAt + std::chrono::seconds(1), kBody), kSignature);
  EXPECT_NE(sign_webhook(secret, kId, kAt, R"({"test": 2432232315})"), kSignature);
  EXPECT_NE(sign_webhook(secret + "x", kId, kAt, kBody), kSignature);
}

TEST(WebhookSignature, FieldsHaveTheNamesOfTheSpecificationAndWholeSeconds) {
  const auto fields = webhook_signature_fields(webhook_with(vector_secret()), kId, kAt + std::chrono::milliseconds(900), kBody);
  EXPECT_EQ(field(fields, "webhook-id"), kId);
  EXPECT_EQ(field(fields, "webhook-timestamp"), "1614265330");
  EXPECT_EQ(field(fields, "webhook-signature"), kSignature);
}

// Receivers written by Resend's documents read these names.
TEST(WebhookSignature, FieldsStandThereUnderSvixNamesToo) {
  const auto fields = webhook_signature_fields(webhook_with(vector_secret()), kId, kAt, kBody);
  EXPECT_EQ(fields.size(), 7U);
  for (const std::string name : {"-id", "-timestamp", "-signature"}) {
    EXPECT_EQ(field(fields, "svix" + name), field(fields, "webhook" + name)) << name;
    EXPECT_FALSE(field(fields, "svix" + name).empty()) << name;
  }
}

// Receivers written by MailKite's documents read it; the value was made with another implementation of HMAC.
TEST(WebhookSignature, StandsThereInMailKitesFormToo) {
  const Instant at = kAt + std::chrono::milliseconds(900);
  EXPECT_EQ(field(webhook_signature_fields(webhook_with(vector_secret()), kId, at, kBody), "x-mailkite-signature"),
            "t=1614265330900,v1=e41ee1b5818552c0a938084dfcb00737e82074cdf5e649710df8bd223780291a");
}

TEST(WebhookSignature, BothSecretsSignUntilTheRotationEnds) {
  store::WebhookRecord webhook = webhook_with("the new secret of the webhook");
  webhook.previous_secret = vector_secret();
  webhook.previous_secret_until = kAt + std::chrono::hours(1);
  const std::string fresh = sign_webhook(webhook.secret, kId, kAt, kBody);
  EXPECT_EQ(field(webhook_signature_fields(webhook, kId, kAt, kBody), "webhook-signature"), fresh + " " + std::string(kSignature));

  const Instant later = kAt + std::chrono::hours(1);
  EXPECT_EQ(field(webhook_signature_fields(webhook, kId, later, kBody), "webhook-signature"),
            sign_webhook(webhook.secret, kId, later, kBody));
}

TEST(WebhookSignature, SecretsAreRandomAndWrittenWithTheirPrefix) {
  test::FakeRandom random;
  const std::string first = make_webhook_secret(random);
  EXPECT_EQ(first.size(), kWebhookSecretOctets);
  EXPECT_NE(first, make_webhook_secret(random));
  const Secret text = format_webhook_secret(first);
  ASSERT_TRUE(text.reveal().starts_with("whsec_"));
  EXPECT_EQ(decode_base64(text.reveal().substr(6)), first);
}

TEST(WebhookSignature, MessageIdIsTheSameForEveryAttempt) {
  test::FakeRandom random;
  const WebhookId webhook = make_webhook_id(random);
  EXPECT_EQ(webhook_message_id(webhook, "evt_4711"), webhook_message_id(webhook, "evt_4711"));
  EXPECT_NE(webhook_message_id(webhook, "evt_4711"), webhook_message_id(webhook, "evt_4712"));
}

}  // namespace
}  // namespace postern::events
