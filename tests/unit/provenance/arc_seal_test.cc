// What we seal holds for whoever verifies it as we do; tests/e2e/t55_forward has another implementation verify it.
#include "provenance/arc_seal.h"

#include "domains/dkim_keys.h"
#include "provenance/canonical.h"
#include "provenance/message_check.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/fake_random.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kHeader =
    "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; h=From; bh=; b=\r\nFrom: Ann <ann@example.org>\r\n"
    "To: bob@example.net\r\nSubject: A folded\r\n\tsubject\r\nDate: Mon, 30 Nov 2026 09:00:00 +0000\r\n";
constexpr std::string_view kBody = "At noon?\r\n\r\nblanks  \r\n\r\n";
constexpr Instant kSealedAt{std::chrono::seconds(1'796'000'000)};

mime::HeaderScan scanned_header(const std::string& section) {
  mime::HeaderScan header;
  header.feed(section);
  header.finish();
  return header;
}

std::string body_hash() {
  BodyHash hash(Canonical::Relaxed);
  hash.append(kBody);
  return hash.finish();
}

class ArcSeal : public testing::Test {
 protected:
  ArcSeal() { resolver_.zone[{key_.selector + "._domainkey.relay.example", "TXT"}] = {key_.public_record}; }

  // One more hop on top.
  std::string sealed(const std::string& section) {
    const ArcSealing sealing{.domain = "relay.example",
                             .selector = key_.selector,
                             .private_key = key_.private_key,
                             .results = " mx.example; spf=pass smtp.mailfrom=ann@example.org;\r\n\tdmarc=pass "
                                        "header.from=example.org",
                             .now = kSealedAt};
    return seal_arc(scanned_header(section), body_hash(), sealing).value() + section;
  }
  ArcVerdict verdict_of(const std::string& section) {
    MessageCheck check;
    check.append(section + "\r\n" + std::string(kBody));
    return loop_.run(check.judge(resolver_, {}, kSealedAt)).arc;
  }

  test::FakeRandom random_;
  store::DkimKey key_ = domains::make_rsa_key(random_).value();
  test::ScriptedResolver resolver_;
  test::CoroutineLoop loop_;
};

TEST_F(ArcSeal, HoldsForOneHopAndForSeveral) {
  std::string section(kHeader);
  for (std::size_t hops = 1; hops <= 3; ++hops) {
    section = sealed(section);
    const ArcVerdict verdict = verdict_of(section);
    ASSERT_EQ(verdict.result, ArcResult::Pass) << verdict.why << "\n" << section;
    ASSERT_EQ(verdict.sealers.size(), hops);
    EXPECT_EQ(verdict.sealers.back().results,
              "mx.example; spf=pass smtp.mailfrom=ann@example.org; dmarc=pass header.from=example.org");
  }
}

TEST_F(ArcSeal, BreaksWithAnythingThatIsChanged) {
  const std::string section = sealed(sealed(std::string(kHeader)));
  for (const std::string_view what : {"Ann", "folded", "bob@", "spf=pass", "cv=pass", "DKIM-Signature: v=1"}) {
    std::string changed = section;
    changed.replace(changed.find(what), what.size(), std::string(what.size(), 'x'));
    EXPECT_EQ(verdict_of(changed).result, ArcResult::Fail) << what;
  }
  EXPECT_EQ(verdict_of("From: eve@example.com\r\n" + section).result, ArcResult::Fail) << "another author";
}

TEST_F(ArcSeal, IsNotPutOnABrokenChain) {
  const ArcSealing sealing{
      .domain = "relay.example", .selector = key_.selector, .private_key = key_.private_key, .results = "mx", .now = kSealedAt};
  EXPECT_EQ(seal_arc(scanned_header("ARC-Seal: i=1; nothing\r\n" + std::string(kHeader)), body_hash(), sealing).value(), "");
  EXPECT_THAT(seal_arc(scanned_header(std::string(kHeader)), body_hash(), sealing).value(), StartsWith("ARC-Seal: i=1; "));
}

TEST_F(ArcSeal, NeedsAnRsaKey) {
  const std::string ed25519 = domains::make_ed25519_key(random_).value().private_key;
  for (const std::string& key : {std::string(), std::string("no key"), ed25519}) {
    EXPECT_FALSE(seal_arc(scanned_header(std::string(kHeader)), body_hash(),
                          {.domain = "relay.example", .selector = "s", .private_key = key, .results = "mx", .now = kSealedAt}));
  }
}

}  // namespace
}  // namespace postern::provenance
