// What counts as the key of a submission, and what as the same message.
#include "submission/idempotency.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

Envelope envelope_to(std::string_view recipient, std::string envid = {}) {
  Envelope envelope;
  envelope.reverse_path = Mailbox{"sender", "example.org"};
  envelope.parameters.envid = std::move(envid);
  envelope.recipients.push_back({.mailbox = parse_mailbox(recipient).value(), .notify = {}, .orcpt = {}});
  return envelope;
}

mime::HeaderScan scanned(std::string_view section) {
  mime::HeaderScan header;
  header.feed(section);
  header.finish();
  return header;
}

std::optional<std::string> key_of(std::string_view section) {
  const mime::HeaderScan header = scanned(section);
  return idempotency_key_of(header);
}

TEST(IdempotencyKey, IsTheFirstField) {
  EXPECT_EQ(key_of("Idempotency-Key: 4711 \r\n\r\n"), header_idempotency_key("4711"));
  EXPECT_EQ(key_of("idempotency-key:\r\n 4711\r\n\r\n"), header_idempotency_key("4711"));
  EXPECT_EQ(key_of("Subject: x\r\n\r\n"), std::nullopt);
}

TEST(IdempotencyKey, IgnoresAFieldThatIsEmptyOrTooLong) {
  EXPECT_EQ(key_of("Idempotency-Key:\r\n\r\n"), std::nullopt);
  const std::string longest(kMaxIdempotencyKeyOctets, 'k');
  EXPECT_NE(key_of("Idempotency-Key: " + longest + "\r\n\r\n"), std::nullopt);
  EXPECT_EQ(key_of("Idempotency-Key: " + longest + "k\r\n\r\n"), std::nullopt);
}

TEST(IdempotencyKey, OfEnvidCoversRecipientsAndContent) {
  const auto key = [](std::string_view to, std::string_view content) {
    const Envelope envelope = envelope_to(to, "constant");
    SubmissionFingerprint fingerprint(envelope);
    fingerprint.add(content);
    return envid_idempotency_key(envelope.parameters.envid, fingerprint.finish());
  };
  EXPECT_EQ(key("a@example.net", "x"), key("a@example.net", "x"));
  EXPECT_NE(key("a@example.net", "x"), key("b@example.net", "x"));
  EXPECT_NE(key("a@example.net", "x"), key("a@example.net", "y"));
  EXPECT_NE(key("a@example.net", "x"), header_idempotency_key("constant")) << "two kinds of key never meet";
}

TEST(IdempotencyKey, IsAnotherOneForEachRunOfTests) {
  const auto live = idempotency_key_digest(Environment::Live, "ci-1", "k");
  EXPECT_EQ(live, idempotency_key_digest(Environment::Live, "ci-2", "k")) << "the user name is free text for a live key";
  EXPECT_NE(live, idempotency_key_digest(Environment::Test, "ci-1", "k"));
  EXPECT_NE(idempotency_key_digest(Environment::Test, "ci-1", "k"), idempotency_key_digest(Environment::Test, "ci-2", "k"));
}

TEST(SubmissionFingerprint, CoversEnvelopeAndContentInAnyPieces) {
  const Envelope envelope = envelope_to("a@example.net");
  const auto digest = [](const Envelope& of, std::initializer_list<std::string_view> pieces) {
    SubmissionFingerprint fingerprint(of);
    for (const std::string_view piece : pieces) fingerprint.add(piece);
    return fingerprint.finish();
  };
  const auto first = digest(envelope, {"Subject: x\r\n\r\n", "text\r\n"});
  EXPECT_EQ(first, digest(envelope, {"Subj", "ect: x\r\n\r\ntext\r\n"}));
  EXPECT_NE(first, digest(envelope, {"Subject: y\r\n\r\ntext\r\n"}));
  EXPECT_NE(first, digest(envelope_to("b@example.net"), {"Subject: x\r\n\r\ntext\r\n"}));
}

TEST(SubmissionFingerprint, CoversWhenTheMessageIsToGo) {
  const auto digest = [](std::optional<Hold> hold) {
    Envelope envelope = envelope_to("a@example.net");
    envelope.parameters.hold = hold;
    SubmissionFingerprint fingerprint(envelope);
    fingerprint.add("text\r\n");
    return fingerprint.finish();
  };
  const auto for_an_hour = digest(std::chrono::seconds(3'600));
  const auto until_then = digest(Instant{} + std::chrono::seconds(3'600));
  EXPECT_EQ(for_an_hour, digest(std::chrono::seconds(3'600)));
  EXPECT_NE(for_an_hour, digest(std::chrono::seconds(3'601)));
  EXPECT_NE(for_an_hour, digest(std::nullopt));
  EXPECT_NE(for_an_hour, until_then);
  EXPECT_NE(until_then, digest(Instant{} + std::chrono::seconds(3'601)));
}

}  // namespace
}  // namespace postern::submission
