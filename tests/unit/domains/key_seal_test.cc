// Private keys at rest: unreadable without the seal's file, whole with it; stores of before the seal are sealed once.
#include "domains/key_seal.h"

#include "domains/dkim_keys.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <iterator>

namespace postern::domains {
namespace {

namespace fs = std::filesystem;

class KeySealTest : public testing::Test {
 protected:
  store::DomainRecord domain_of(const AccountId& account, const std::string& name) {
    store::DomainRecord domain;
    domain.id = make_domain_id(random_);
    domain.account = account;
    domain.name = name;
    domain.dkim_keys = {make_ed25519_key(random_).value(), make_rsa_key(random_).value()};
    return domain;
  }
  KeySeal seal_in(const char* name) { return KeySeal::open(folder_.path() / name, random_).value(); }

  test::TempFolder folder_;
  test::FakeRandom random_;
};

TEST_F(KeySealTest, SealsAndOpensAndKeepsItsFileToItself) {
  store::DomainRecord domain = domain_of({}, "example.org");
  const store::DomainRecord clear = domain;
  const KeySeal seal = seal_in("seal");
  ASSERT_TRUE(seal.seal(domain, random_));
  EXPECT_TRUE(has_sealed_keys(domain));
  for (const auto& key : domain.dkim_keys) {
    EXPECT_EQ(key.private_key.find("PRIVATE KEY"), std::string::npos);
    EXPECT_TRUE(key.private_key.starts_with("sealed:1:"));
  }
  const store::DomainRecord sealed = domain;
  ASSERT_TRUE(seal.seal(domain, random_));
  EXPECT_EQ(domain, sealed) << "once is enough";
  ASSERT_TRUE(seal_in("seal").unseal(domain)) << "read anew";
  EXPECT_EQ(domain, clear);
  ASSERT_TRUE(seal.unseal(domain)) << "what is not sealed stays";
  EXPECT_EQ(domain, clear);
  struct stat facts {};
  ASSERT_EQ(::stat((folder_.path() / "seal").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1) << "no draft is left";
}

TEST_F(KeySealTest, OpensNothingThatIsNotItsOwn) {
  store::DomainRecord sealed = domain_of({}, "example.org");
  ASSERT_TRUE(seal_in("seal").seal(sealed, random_));
  const auto refuses = [&](const KeySeal& seal, store::DomainRecord domain) {
    const auto opened = seal.unseal(domain);
    return !opened && opened.error().code() == ErrorCode::CorruptRecord;
  };
  EXPECT_TRUE(refuses(seal_in("another"), sealed));
  store::DomainRecord moved = sealed;
  moved.name = "other.example";
  EXPECT_TRUE(refuses(seal_in("seal"), moved)) << "a key of another domain";
  moved = sealed;
  std::swap(moved.dkim_keys[0].private_key, moved.dkim_keys[1].private_key);
  EXPECT_TRUE(refuses(seal_in("seal"), moved)) << "a key of another selector";
  for (const std::size_t cut : {std::size_t{9}, std::size_t{20}, sealed.dkim_keys[0].private_key.size() - 4}) {
    store::DomainRecord damaged = sealed;
    damaged.dkim_keys[0].private_key.resize(cut);
    EXPECT_TRUE(refuses(seal_in("seal"), damaged)) << cut;
  }
}

TEST_F(KeySealTest, MakesAKeyForEachPurposeAndTheSameOnEveryMachine) {
  const KeySeal seal = seal_in("seal");
  const Secret rows = seal.derive("rows");
  EXPECT_EQ(rows.reveal().size(), 32U);
  EXPECT_EQ(seal_in("seal").derive("rows").reveal(), rows.reveal());
  EXPECT_NE(seal.derive("tokens").reveal(), rows.reveal());
  EXPECT_NE(seal_in("other").derive("rows").reveal(), rows.reveal());
}

TEST_F(KeySealTest, SaysWhatIsWrongWithItsFile) {
  EXPECT_EQ(KeySeal::read(folder_.path() / "none").error().code(), ErrorCode::NotFound);
  for (const char* text : {"", "abc", "zz23456789012345678901234567890123456789012345678901234567890123"}) {
    std::ofstream(folder_.path() / "bad") << text;
    EXPECT_EQ(KeySeal::open(folder_.path() / "bad", random_).error().code(), ErrorCode::Malformed) << text;
  }
  EXPECT_EQ(KeySeal::open(folder_.path() / "no folder" / "seal", random_).error().code(), ErrorCode::IoError);
}

TEST_F(KeySealTest, SealsAStoreOfBeforeAndNamesWhoVerifiedWhat) {
  test::TempStore store;
  store::AccountRecord account;
  account.id = make_account_id(random_);
  account.name = "account";
  store::DomainRecord old = domain_of(account.id, "example.org");
  old.state = store::DomainState::Verified;
  store.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    if (Result<void> put = writer.put_account(account); !put) return put;
    return writer.put_domain(old);
  }).value();
  const KeySeal seal = seal_in("seal");
  EXPECT_EQ(seal_stored_keys(store.directory(), seal, random_).value(), 1U);
  EXPECT_EQ(seal_stored_keys(store.directory(), seal, random_).value(), 0U) << "once";
  store::DomainRecord stored = store.directory().find_domain(old.id).value().value();
  EXPECT_TRUE(has_sealed_keys(stored));
  ASSERT_TRUE(seal.unseal(stored));
  EXPECT_EQ(stored, old);
  EXPECT_EQ(store.directory().find_domain_named(store::kVerifiedOwner, "example.org").value()->id, old.id);

  // What a backup holds opens with nothing that is in it.
  store->back_up(folder_.path() / "copy").value();
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "copy")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_EQ(octets.find("PRIVATE KEY"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace postern::domains
