// Sending domains from being added to being verified, over a DNS that the test scripts.
#include "domains/domain_admin.h"

#include "domains/dkim_keys.h"
#include "domains/domain_records.h"
#include "tests/support/scripted_resolver.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::domains {
namespace {

class DomainAdminTest : public testing::Test {
 protected:
  DomainAdminTest() {
    account_ = add_account("first");
    other_ = add_account("second");
  }

  AccountId add_account(const std::string& name) {
    store::AccountRecord account;
    account.id = make_account_id(random_);
    account.name = name;
    store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_account(account); }).value();
    return account.id;
  }
  store::DomainRecord added(std::string_view name = "example.org") { return admin_.create(account_, name).value(); }
  store::DomainRecord verified(std::string_view name = "example.org") {
    const auto domain = added(name);
    resolver_.publish(admin_.records(domain));
    return admin_.verify(domain.id).value();
  }

  test::TempStore store_;
  test::FakeClock clock_;
  test::FakeRandom random_;
  test::ScriptedResolver resolver_;
  DomainAdmin admin_{store_.directory(), resolver_, clock_, random_, {.spf = {"a:relay.example.net"}, .seal = {}}};
  AccountId account_;
  AccountId other_;
};

TEST_F(DomainAdminTest, AddsADomainWithBothKeys) {
  const auto domain = added("Example.ORG.");
  EXPECT_EQ(domain.name, "example.org");
  EXPECT_EQ(domain_status(domain), "not_started");
  EXPECT_EQ(domain.created, clock_.now());
  ASSERT_EQ(domain.dkim_keys.size(), 2u);
  EXPECT_EQ(domain.dkim_keys[0].algorithm, "rsa-sha256");
  EXPECT_EQ(domain.dkim_keys[1].algorithm, "ed25519-sha256");
  EXPECT_GE(domain.ownership_token.size(), 32u);
}

TEST_F(DomainAdminTest, KeepsThePrivateHalvesInTheStoreOnly) {
  const auto domain = verified();
  const auto listed = admin_.list(account_).value();
  const auto found = admin_.find(account_, domain.id).value();
  ASSERT_EQ(listed.size(), 1u);
  for (const auto* record : {&domain, &listed[0], &found}) {
    for (const auto& key : record->dkim_keys) EXPECT_TRUE(key.private_key.empty());
  }
  const auto stored = store_.directory().find_domain(domain.id).value();
  for (const auto& key : stored->dkim_keys) EXPECT_TRUE(key.private_key.starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST_F(DomainAdminTest, TakesDomainNamesOnly) {
  struct Case {
    std::string name;
    std::string normalised;  // empty: refused
  };
  const Case cases[] = {{"b\xC3\xBC\x63her.example", "xn--bcher-kva.example"},
                        {"XN--caf-dma.example", "xn--caf-dma.example"},
                        {"a.b.c.example", "a.b.c.example"},
                        {"localhost", ""},
                        {"", ""},
                        {".", ""},
                        {"a..example", ""},
                        {"*.example.org", ""},
                        {"_dmarc.example.org", ""},
                        {"exa mple.org", ""},
                        {"example.org\n", ""},
                        {"someone@example.org", ""},
                        {"[192.0.2.1]", ""},
                        {"-a.example", ""},
                        {std::string(64, 'a') + ".example", ""},
                        {std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." +
                         std::string(50, 'd'), ""}};
  for (const Case& c : cases) {
    const auto domain = admin_.create(account_, c.name);
    EXPECT_EQ(domain ? domain->name : "", c.normalised) << c.name;
    EXPECT_TRUE(domain || domain.error().code() == ErrorCode::InvalidArgument) << c.name;
  }
}

TEST_F(DomainAdminTest, RefusesTheSameNameTwiceInAnAccount) {
  added();
  const auto again = admin_.create(account_, "EXAMPLE.org");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::AlreadyExists);
  EXPECT_TRUE(admin_.create(other_, "example.org")) << "nobody owns it yet";
}

TEST_F(DomainAdminTest, VerifiesByTheRequiredRecords) {
  const auto domain = added();
  EXPECT_EQ(domain_status(admin_.verify(domain.id).value()), "pending");
  resolver_.publish(admin_.records(domain), true);
  clock_.advance(std::chrono::minutes(1));
  const auto seen = admin_.verify(domain.id).value();
  EXPECT_EQ(seen.state, store::DomainState::Verified);
  EXPECT_EQ(seen.verified_at, clock_.now());
  EXPECT_EQ(seen.checked_at, clock_.now());
  for (const auto& record : admin_.records(seen)) {
    EXPECT_EQ(record_status(seen, record), record.is_required ? "verified" : "pending") << record.purpose;
  }
}

TEST_F(DomainAdminTest, NeedsEachRequiredRecord) {
  const auto domain = added();
  for (const auto& left_out : admin_.records(domain)) {
    resolver_.publish(admin_.records(domain));
    resolver_.zone.erase({left_out.name, left_out.type});
    const auto seen = admin_.verify(domain.id).value();
    EXPECT_EQ(seen.state == store::DomainState::Verified, !left_out.is_required) << left_out.purpose;
    if (seen.state == store::DomainState::Verified) break;
  }
}

TEST_F(DomainAdminTest, StaysVerifiedWhileTheDnsIsSilentAndFailsWhenItSaysNo) {
  const auto domain = verified();
  const auto verified_at = domain.verified_at;
  resolver_.is_down = true;
  clock_.advance(std::chrono::hours(1));
  auto seen = admin_.verify(domain.id).value();
  EXPECT_EQ(seen.state, store::DomainState::Verified);
  EXPECT_EQ(domain_status(seen), "temporary_failure");
  EXPECT_EQ(seen.verified_at, verified_at);

  resolver_.is_down = false;
  EXPECT_EQ(domain_status(admin_.verify(domain.id).value()), "verified");

  resolver_.zone.clear();
  seen = admin_.verify(domain.id).value();
  EXPECT_EQ(domain_status(seen), "failed");
  resolver_.publish(admin_.records(domain));
  EXPECT_EQ(domain_status(admin_.verify(domain.id).value()), "verified");
}

TEST_F(DomainAdminTest, StopsAskingADnsThatDoesNotAnswer) {
  const auto domain = added();
  resolver_.is_down = true;
  admin_.verify(domain.id).value();
  EXPECT_EQ(resolver_.questions, 2u);
}

TEST_F(DomainAdminTest, GivesAVerifiedNameToOneAccount) {
  const auto second = admin_.create(other_, "example.org").value();
  verified();
  const auto third = admin_.create(add_account("third"), "example.org");
  ASSERT_FALSE(third) << "at once, not at its verification";
  EXPECT_EQ(third.error().code(), ErrorCode::Conflict);
  EXPECT_NE(third.error().context().find("another account has verified example.org"), std::string::npos);
  for (const auto& record : admin_.records(second)) {
    auto& values = resolver_.zone[{record.name, record.type}];
    values.push_back(record.value);
  }
  const auto refused = admin_.verify(second.id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(admin_.find(other_, second.id).value().state, store::DomainState::Pending);

  admin_.remove(admin_.list(account_).value().front().id).value();
  for (const auto& record : admin_.records(second)) resolver_.zone[{record.name, record.type}] = {record.value};
  EXPECT_EQ(admin_.verify(second.id).value().state, store::DomainState::Verified) << "the first has let it go";
}

TEST_F(DomainAdminTest, KnowsByNameWhoHasVerifiedADomain) {
  const auto owner = [&] { return store_.directory().find_domain_named(store::kVerifiedOwner, "example.org").value(); };
  const auto first = added();
  EXPECT_FALSE(owner()) << "not yet verified";
  resolver_.publish(admin_.records(first));
  admin_.verify(first.id).value();
  ASSERT_TRUE(owner());
  EXPECT_EQ(owner()->account, account_);
  EXPECT_EQ(admin_.list(account_).value().size(), 1u) << "listed once";
  resolver_.zone.clear();
  EXPECT_EQ(admin_.verify(first.id).value().state, store::DomainState::Failed);
  EXPECT_FALSE(owner()) << "free again";
  resolver_.publish(admin_.records(first));
  admin_.verify(first.id).value();
  store_.directory().write([&](store::DirectoryWriter& writer) { return writer.remove_account(account_); }).value();
  EXPECT_FALSE(owner());
  EXPECT_EQ(store_.directory().examine().value(), std::vector<std::string>());
}

TEST_F(DomainAdminTest, AdvisesNoSpfWhereNobodyKnowsWhoDelivers) {
  const DomainAdmin admin(store_.directory(), resolver_, clock_, random_, {});
  for (const auto& record : admin.records(added())) EXPECT_NE(record.purpose, "spf");
}

TEST_F(DomainAdminTest, AdvisesTheSpfThatIsInForce) {
  const auto spf_of = [&](const store::DomainRecord& domain) {
    for (const auto& record : admin_.records(domain)) {
      if (record.purpose == "spf") return record.value;
    }
    return std::string();
  };
  const store::DomainRecord domain = added();
  EXPECT_EQ(spf_of(domain), "v=spf1 a:relay.example.net ~all");
  admin_.set_spf({"include:_spf.example.net"});
  EXPECT_EQ(spf_of(domain), "v=spf1 include:_spf.example.net ~all");
}

TEST_F(DomainAdminTest, DoesNotBringBackADomainThatWasRemovedMeanwhile) {
  const auto domain = added();
  resolver_.publish(admin_.records(domain));
  resolver_.before_next_answer = [&] { admin_.remove(domain.id).value(); };
  const auto seen = admin_.verify(domain.id);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code(), ErrorCode::NotFound);
  EXPECT_TRUE(admin_.list(account_).value().empty());
}

TEST_F(DomainAdminTest, LooksUpOneDomainOfAnAccountAtATime) {
  const auto first = added("a.example");
  const auto second = added("b.example");
  const auto foreign = admin_.create(other_, "c.example").value();
  std::optional<Result<store::DomainRecord>> meanwhile;
  std::optional<Result<store::DomainRecord>> elsewhere;
  resolver_.before_next_answer = [&] {
    meanwhile = admin_.verify(second.id);
    elsewhere = admin_.verify(foreign.id);
  };
  EXPECT_TRUE(admin_.verify(first.id));
  ASSERT_TRUE(meanwhile && !*meanwhile);
  EXPECT_EQ(meanwhile->error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(elsewhere && *elsewhere) << "another account does not wait";
  EXPECT_TRUE(admin_.verify(second.id)) << "free again";
}

// A slow DNS may not keep every worker.
TEST_F(DomainAdminTest, LooksUpForTwoAccountsAtATime) {
  const auto first = added("a.example");
  const auto second = admin_.create(other_, "b.example").value();
  const auto third = admin_.create(add_account("third"), "c.example").value();
  std::optional<Result<store::DomainRecord>> one_too_many;
  resolver_.before_next_answer = [&] {
    resolver_.before_next_answer = [&] { one_too_many = admin_.verify(third.id); };
    EXPECT_TRUE(admin_.verify(second.id));
  };
  EXPECT_TRUE(admin_.verify(first.id));
  ASSERT_TRUE(one_too_many && !*one_too_many);
  EXPECT_EQ(one_too_many->error().code(), ErrorCode::ResolveFailed);
  EXPECT_TRUE(admin_.verify(third.id)) << "free again";
}

std::string selectors_of(const store::DomainRecord& domain, store::DkimKeyState state) {
  std::string selectors;
  for (const auto& key : domain.dkim_keys) {
    if (key.state == state) selectors += (selectors.empty() ? "" : " ") + key.selector;
  }
  return selectors;
}

TEST_F(DomainAdminTest, SignsWithSuccessorsOnceTheirRecordsAreThereAndForgetsTheOldOnesLater) {
  using store::DkimKeyState;
  const auto before = verified();
  const std::string first = selectors_of(before, DkimKeyState::Signs);
  auto domain = admin_.rotate_keys(before.id).value();
  const std::string next = selectors_of(domain, DkimKeyState::Waits);
  EXPECT_EQ(selectors_of(domain, DkimKeyState::Signs), first) << "nothing changes before the records are there";
  EXPECT_EQ(domain.dkim_keys.size(), 4U);
  EXPECT_EQ(admin_.rotate_keys(before.id).error().code(), ErrorCode::Conflict) << "some wait already";
  domain = admin_.verify(before.id).value();
  EXPECT_EQ(selectors_of(domain, DkimKeyState::Waits), next);
  EXPECT_EQ(domain_status(domain), "verified") << "successors are not required";

  resolver_.publish(admin_.records(domain));
  clock_.advance(std::chrono::hours(1));
  domain = admin_.verify(before.id).value();
  EXPECT_EQ(selectors_of(domain, DkimKeyState::Signs), next);
  EXPECT_EQ(selectors_of(domain, DkimKeyState::Retired), first);
  const auto stored = store_.directory().find_domain(before.id).value();
  for (const auto& key : stored->dkim_keys) {
    EXPECT_EQ(key.private_key.empty(), key.state == DkimKeyState::Retired) << "who does not sign needs no private half";
  }
  for (const auto& record : admin_.records(domain)) {
    EXPECT_EQ(record.note.starts_with("for mail under way, until "), record.purpose.ends_with("-old")) << record.note;
    EXPECT_EQ(record_status(domain, record), "verified") << record.purpose;
  }
  clock_.advance(kKeyOverlap);
  domain = admin_.verify(before.id).value();
  EXPECT_EQ(selectors_of(domain, DkimKeyState::Retired), "");
  EXPECT_EQ(domain.dkim_keys.size(), 2U);
}

TEST_F(DomainAdminTest, ReplacesKeysAtOnceWhereNobodyHasSeenThem) {
  const auto before = added();
  const auto domain = admin_.rotate_keys(before.id).value();
  EXPECT_EQ(domain.dkim_keys.size(), 2U);
  EXPECT_NE(selectors_of(domain, store::DkimKeyState::Signs), selectors_of(before, store::DkimKeyState::Signs));
}

TEST_F(DomainAdminTest, TakesAKeyThatAnotherSystemMade) {
  const auto before = verified();
  auto made = make_rsa_key(random_).value();
  auto domain = admin_.import_key(before.id, "S2026", made.private_key).value();
  EXPECT_EQ(selectors_of(domain, store::DkimKeyState::Waits), "s2026");
  EXPECT_EQ(domain.dkim_keys.back().public_record, made.public_record) << "the record that is published already";
  resolver_.zone[{"s2026._domainkey.example.org", "TXT"}] = {made.public_record};
  domain = admin_.verify(before.id).value();
  EXPECT_EQ(selectors_of(domain, store::DkimKeyState::Signs), before.dkim_keys[1].selector + " s2026");
  EXPECT_EQ(admin_.drop_key(before.id, "s2026").error().code(), ErrorCode::Conflict) << "it signs";
  EXPECT_EQ(admin_.drop_key(before.id, "none").error().code(), ErrorCode::NotFound);
  domain = admin_.drop_key(before.id, before.dkim_keys[0].selector).value();
  EXPECT_EQ(domain.dkim_keys.size(), 2U);

  EXPECT_EQ(admin_.import_key(before.id, "s2026", made.private_key).error().code(), ErrorCode::AlreadyExists);
  for (const char* selector : {"", "a b", "_domainkey", "a..b", "-a", "[127.0.0.1]"}) {
    EXPECT_EQ(admin_.import_key(before.id, selector, made.private_key).error().code(), ErrorCode::InvalidArgument) << selector;
  }
  const std::string truncated = made.private_key.substr(0, made.private_key.size() / 2);
  for (const std::string& pem : {std::string(), std::string("nonsense"), truncated, std::string(20'000, 'A')}) {
    const auto refused = admin_.import_key(before.id, "s1", pem);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(refused.error().message().find("nonsense"), std::string::npos) << "no word of a private key";
  }
}

TEST_F(DomainAdminTest, ShowsAnAccountItsOwnOnly) {
  const auto domain = added();
  EXPECT_EQ(admin_.find(other_, domain.id).error().code(), ErrorCode::NotFound);
  EXPECT_TRUE(admin_.list(other_).value().empty());
  admin_.remove(domain.id).value();
  EXPECT_EQ(admin_.remove(domain.id).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace postern::domains
