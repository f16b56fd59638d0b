// What is signed, for whom, and that the signature holds: verified by libopendkim's other half, over keys from the records that
// are to be published. tests/e2e/t09_domains_dkim has another implementation verify what arrives at a next hop.
#include "domains/dkim_signer.h"

#include "domains/dkim_keys.h"
#include "store/directory.h"
#include "tests/support/fake_random.h"
#include "tests/unit/domains/dkim_verification.h"

#include <gtest/gtest.h>

#include <future>

namespace postern::domains {
namespace {

using test::verify;
using test::Verified;

constexpr std::string_view kMessage =
    "From: Sender <sender@Example.ORG>\r\nTo: someone@example.net\r\nSubject: A folded\r\n subject\r\n"
    "Date: Sat, 21 Nov 2026 09:30:00 +0000\r\nMessage-ID: <m@example.org>\r\nX-Mine: 1\r\n\r\n"
    "First line.\r\n.A dot.\r\n\r\nLast  line. \r\n\r\n\r\n";

const AccountId kAccount{{1}};

store::DomainRecord verified_domain(test::FakeRandom& random) {
  store::DomainRecord domain;
  domain.account = kAccount;
  domain.name = "example.org";
  domain.state = store::DomainState::Verified;
  domain.dkim_keys = {make_rsa_key(random).value(), make_ed25519_key(random).value()};
  return domain;
}

mime::HeaderScan header_of(std::string_view message) {
  mime::HeaderScan header;
  header.feed(message);
  header.finish();
  return header;
}

class DkimSignerTest : public testing::Test {
 protected:
  test::FakeRandom random_;
  store::DomainRecord domain_ = verified_domain(random_);
  std::unique_ptr<DkimSigner> signer_ =
      DkimSigner::create([this](const AccountId& account, std::string_view name) -> Result<std::optional<store::DomainRecord>> {
        if (account != domain_.account || name != domain_.name) return std::optional<store::DomainRecord>();
        return std::optional(domain_);
      }).value();

  std::string sign(std::string_view message, std::size_t piece) {
    auto signing = signer_->open(kAccount, header_of(message)).value();
    if (!signing) return "";
    for (std::size_t i = 0; i < message.size(); i += piece) signing->append(message.substr(i, piece));
    return signing->finish().value();
  }
};

TEST_F(DkimSignerTest, SignsWithEveryKeyOfTheAuthorsDomain) {
  const std::string fields = sign(kMessage, kMessage.size());
  EXPECT_TRUE(fields.starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;")) << fields;
  EXPECT_NE(fields.find("\r\nDKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;"), std::string::npos)
      << fields;
  EXPECT_TRUE(fields.ends_with("\r\n"));
  const Verified verified = verify(fields + std::string(kMessage), domain_);
  EXPECT_EQ(verified.good, 2u);
  EXPECT_EQ(verified.bad, 0u);
}

TEST_F(DkimSignerTest, SignsWithNoKeyThatWaitsOrIsRetired) {
  domain_.dkim_keys.push_back(make_rsa_key(random_).value());
  domain_.dkim_keys[0].state = store::DkimKeyState::Retired;
  domain_.dkim_keys[0].private_key.clear();
  domain_.dkim_keys[2].state = store::DkimKeyState::Waits;
  const std::string fields = sign(kMessage, 1000);
  EXPECT_NE(fields.find("s=" + domain_.dkim_keys[1].selector + ";"), std::string::npos) << fields;
  for (const std::size_t silent : {0U, 2U}) EXPECT_EQ(fields.find(domain_.dkim_keys[silent].selector), std::string::npos);
}

TEST_F(DkimSignerTest, SaysThatAnotherAccountSignsForTheDomain) {
  const auto signer =
      DkimSigner::create([this](const AccountId& account, std::string_view) -> Result<std::optional<store::DomainRecord>> {
        if (account != store::kVerifiedOwner) return std::optional<store::DomainRecord>();
        return std::optional(domain_);
      }).value();
  const auto signing = signer->open(kAccount, header_of(kMessage));
  ASSERT_FALSE(signing);
  EXPECT_EQ(signing.error().code(), ErrorCode::Conflict);
  EXPECT_NE(signing.error().context().find("another account has verified example.org"), std::string::npos);
}

TEST_F(DkimSignerTest, SignsTheSameInAnyPieces) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{100}}) {
    EXPECT_EQ(verify(sign(kMessage, piece) + std::string(kMessage), domain_).good, 2u) << "pieces of " << piece;
  }
}

TEST_F(DkimSignerTest, SignsOnManyThreadsAtOnce) {
  std::vector<std::future<std::string>> signing;
  for (int i = 0; i < 16; ++i) signing.push_back(std::async(std::launch::async, [this] { return sign(kMessage, 50); }));
  for (auto& fields : signing) EXPECT_EQ(verify(fields.get() + std::string(kMessage), domain_).good, 2u);
}

TEST_F(DkimSignerTest, MakesFieldsOfLinesThatMailCanCarry) {
  const std::string fields = sign(kMessage, kMessage.size());
  std::size_t begin = 0;
  for (std::size_t end = fields.find('\n'); end != std::string::npos; begin = end + 1, end = fields.find('\n', begin)) {
    const std::string_view line = std::string_view(fields).substr(begin, end - begin);
    EXPECT_TRUE(line.ends_with('\r')) << line;
    EXPECT_LE(line.size(), 79u) << line;
    EXPECT_TRUE(line.starts_with("DKIM-Signature: ") || line.starts_with('\t')) << line;
  }
}

TEST_F(DkimSignerTest, NoticesWhatIsChangedOrAdded) {
  const std::string fields = sign(kMessage, kMessage.size());
  const std::string message(kMessage);
  struct Case {
    const char* name;
    std::string from;
    std::string to;
    bool still_holds;
  };
  const Case cases[] = {
      {"another subject", "A folded", "A faked", false},
      {"another body", "First line", "Worst line", false},
      {"a second From field", "To: ", "From: other@example.com\r\nTo: ", false},
      {"an added Cc", "To: ", "Cc: other@example.com\r\nTo: ", false},
      {"a field that is not signed", "X-Mine: 1", "X-Mine: 2", true},
      {"white space at the end of a line", "Last  line. \r\n", "Last line.\r\n", true},
  };
  for (const Case& c : cases) {
    std::string changed = message;
    changed.replace(changed.find(c.from), c.from.size(), c.to);
    EXPECT_EQ(verify(fields + changed, domain_).good, c.still_holds ? 2u : 0u) << c.name;
  }
}

TEST_F(DkimSignerTest, SignsMessagesOfEveryShape) {
  const std::string header = "From: sender@example.org\r\nSubject: s\r\n";
  const std::pair<const char*, std::string> shapes[] = {
      {"no body", header + "\r\n"},
      {"empty lines only", header + "\r\n\r\n\r\n"},
      {"no CR LF at the end, which the transport adds", header + "\r\nlast line"},
      {"octets above 127", header + "\r\ngr\xC3\xBC\xC3\x9F\x65 \xFF\r\n"},
      {"UTF-8 in a field", "From: sender@example.org\r\nSubject: gr\xC3\xBC\xC3\x9F\x65\r\n\r\nx\r\n"},
      {"a line of 200 KB", header + "\r\n" + std::string(200'000, 'x') + "\r\n"},
  };
  for (const auto& [name, message] : shapes) {
    const bool ends_line = message.ends_with('\n');
    EXPECT_EQ(verify(sign(message, 997) + message + (ends_line ? "" : "\r\n"), domain_).good, 2u) << name;
  }
}

TEST_F(DkimSignerTest, SignsForNobodyElse) {
  struct Case {
    const char* name;
    std::string header;
  };
  const Case cases[] = {
      {"another domain", "From: a@example.com\r\n\r\n"},
      {"a domain below", "From: a@sub.example.org\r\n\r\n"},
      {"no From", "Subject: s\r\n\r\n"},
      {"two From fields", "From: a@example.org\r\nFrom: b@example.org\r\n\r\n"},
      {"authors of two domains", "From: a@example.org, b@example.com\r\n\r\n"},
      {"a From nobody can read", "From: nobody\r\n\r\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(sign(c.header, 10), "") << c.name;
  EXPECT_NE(sign("From: a@example.org, b@example.org\r\n\r\n", 10), "") << "two authors of one domain";

  EXPECT_EQ(signer_->open(AccountId{{2}}, header_of(kMessage)).value(), nullptr) << "another account";
  for (const store::DomainState state : {store::DomainState::Pending, store::DomainState::Failed}) {
    domain_.state = state;
    EXPECT_EQ(sign(kMessage, 10), "") << "a domain that is not verified";
  }
}

TEST_F(DkimSignerTest, TellsOfAKeyThatCannotBeUsed) {
  domain_.dkim_keys[0].private_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  auto signing = signer_->open(kAccount, header_of(kMessage));
  Result<std::string> outcome = std::string();
  if (signing) {
    (*signing)->append(kMessage);
    outcome = (*signing)->finish();
  }
  EXPECT_TRUE(!signing || !outcome);
  const std::string words = (signing ? outcome.error() : signing.error()).context();
  EXPECT_EQ(words.find("AAAA"), std::string::npos) << "no secret in an error";
}

TEST(DkimKeys, PublishRsaOf2048BitsAndEd25519) {
  test::FakeRandom random;
  const auto rsa = make_rsa_key(random).value();
  const auto ed25519 = make_ed25519_key(random).value();
  EXPECT_TRUE(rsa.public_record.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")) << rsa.public_record;
  EXPECT_EQ(ed25519.public_record.size(), std::string("v=DKIM1; k=ed25519; p=").size() + 44) << "32 octets";
  EXPECT_TRUE(rsa.private_key.starts_with("-----BEGIN PRIVATE KEY-----"));
  EXPECT_NE(rsa.selector, make_rsa_key(random).value().selector);
}

TEST(DkimKeys, AreWipedWhereTheyAreNotNeeded) {
  test::FakeRandom random;
  store::DomainRecord domain = verified_domain(random);
  wipe_private_keys(domain);
  for (const store::DkimKey& key : domain.dkim_keys) {
    EXPECT_TRUE(key.private_key.empty());
    EXPECT_FALSE(key.public_record.empty());
  }
}

}  // namespace
}  // namespace postern::domains
