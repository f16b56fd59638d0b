// Copies that follow one history: replaying what was recorded gives the same octets as making the change, operation by operation;
// held facts; a history that was lost.
#include "store/replica.h"

#include "store/actor.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <deque>

namespace postern::store {
namespace {

using test::TempStore;

std::vector<SharedRow> all_rows(Directory& directory) {
  std::vector<SharedRow> rows;
  std::optional<std::pair<DirectoryTable, std::string>> after;
  for (;;) {
    const std::vector<SharedRow> page = Replica(directory).list_rows(after, 7).value();
    if (page.empty()) return rows;
    rows.insert(rows.end(), page.begin(), page.end());
    after = std::pair(page.back().table, page.back().key);
  }
}

// The history of one process: what the database is to a cluster.
class LocalLog final : public DirectoryLog {
 public:
  void add(TempStore& store) {
    Directory& directory = store.directory();
    replicas_.emplace_back(directory, &store.spool());
    ASSERT_TRUE(replicas_.back().join({.node = static_cast<std::uint16_t>(replicas_.size())}, {}));
    directory.follow(this);
  }
  Result<void> write(const DirectoryChange& change, const Actor& actor) override {
    ++asked_;
    if (is_away) return Error(ErrorCode::StorageShedding, "nobody answers");
    const Result<lmdb::WriteSet> set = replicas_.front().propose(change, actor);
    if (!set) return set.error();
    const ReplicaCursor from = head_;
    ++head_.version;
    head_.change.fill(static_cast<std::uint8_t>(head_.version));
    EXPECT_TRUE(replicas_.front().advance(from, *set, head_).value());
    for (std::size_t i = 1; i < replicas_.size(); ++i) EXPECT_TRUE(replicas_[i].advance(from, shared_rows(*set), head_).value());
    return {};
  }
  void write_later(DirectoryChange change, Actor actor, Completion done) override {
    later_.push_back(
        [this, change = std::move(change), actor = std::move(actor), done = std::move(done)] { done(write(change, actor)); });
  }
  void run_later() {
    for (; !later_.empty(); later_.pop_front()) later_.front()();
  }
  Replica& replica(std::size_t which) { return replicas_[which]; }
  const ReplicaCursor& head() const { return head_; }
  int asked() const { return asked_; }

  bool is_away = false;

 private:
  std::deque<Replica> replicas_;
  std::deque<std::function<void()>> later_;
  ReplicaCursor head_;
  int asked_ = 0;
};

class ReplicaTest : public testing::Test {
 protected:
  void SetUp() override {
    log_.add(first_);
    log_.add(second_);
  }
  // On the machine that stands alone and in the cluster, at the same instant.
  void change(const std::string& what, const DirectoryChange& change) {
    SCOPED_TRACE(what);
    clock_.advance(std::chrono::seconds(1));
    const ActorScope scope({.kind = ActorKind::CommandLine, .name = "op", .at = clock_.now()});
    const Result<void> alone = alone_.directory().write(change);
    const Result<void> shared = first_.directory().write(change);
    EXPECT_EQ(alone.has_value(), shared.has_value());
    if (!alone && !shared) {
      EXPECT_EQ(alone.error().code(), shared.error().code());
    }
    EXPECT_EQ(all_rows(first_.directory()), all_rows(alone_.directory()));
    EXPECT_EQ(all_rows(second_.directory()), all_rows(alone_.directory()));
    for (TempStore* store : {&alone_, &first_, &second_})
      EXPECT_EQ(store->directory().examine().value(), std::vector<std::string>());
  }
  AccountRecord make_account(const std::string& name) {
    AccountRecord account;
    account.id = make_account_id(random_);
    account.name = name;
    account.created = clock_.now();
    return account;
  }
  KeyRecord make_key(const AccountId& account) {
    KeyRecord key;
    key.id = make_key_id(random_);
    key.account = account;
    key.prefix = "pk_test_abcdefgh";
    random_.fill(key.digest);
    return key;
  }
  Result<void> write(TempStore& store, const DirectoryChange& change) { return store.directory().write(change); }
  AccountRecord put_account() {
    const AccountRecord account = make_account("acme");
    write(first_, [&](DirectoryWriter& writer) { return writer.put_account(account); }).value();
    return account;
  }
  KeyRecord put_key(const AccountId& account) {
    const KeyRecord key = make_key(account);
    write(first_, [&](DirectoryWriter& writer) { return writer.put_key(key); }).value();
    return key;
  }
  lmdb::WriteSet revocation(const KeyRecord& key) {
    KeyRecord revoked = key;
    revoked.revoked_at = clock_.now();
    return log_.replica(0).propose([&](DirectoryWriter& writer) { return writer.put_key(revoked); }, {}).value();
  }
  bool is_revoked(TempStore& store, const KeyRecord& key) {
    return store.directory().find_key(key.id).value()->key.revoked_at.has_value();
  }
  bool is_suppressed(TempStore& store, const AccountId& account, const std::string& address) {
    return store.directory().is_suppressed(account, address, clock_.now()).value();
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  TempStore alone_;
  TempStore first_;
  TempStore second_;
  LocalLog log_;
};

TEST_F(ReplicaTest, ReplaysWhatIsDoneToAccountsAndKeysOctetByOctet) {
  const AccountRecord account = make_account("acme");
  AccountRecord renamed = account;
  renamed.name = "acme-two";
  const AccountId id = account.id;
  KeyRecord key = make_key(id);
  KeyRecord revoked = key;
  revoked.revoked_at = clock_.now();
  const Instant soon = clock_.now() + std::chrono::seconds(1);

  change("an account", [&](DirectoryWriter& w) { return w.put_account(account); });
  change("a second of that name", [&](DirectoryWriter& w) { return w.put_account(make_account("acme")); });
  change("its new name", [&](DirectoryWriter& w) { return w.put_account(renamed); });
  change("a key", [&](DirectoryWriter& w) { return w.put_key(key); });
  change("its use", [&](DirectoryWriter& w) { return w.put_key_usage(key.id, {.at = soon, .address = {}, .helo_name = "a"}); });
  change("a refusal", [&](DirectoryWriter& w) { return w.put_key_refusal(key.id, {.use = {}, .reason = "key_revoked"}); });
  change("a revocation", [&](DirectoryWriter& w) { return w.put_key(revoked); });
  change("the key's end", [&](DirectoryWriter& w) { return w.remove_key(key.id); });
  change("its end once more", [&](DirectoryWriter& w) { return w.remove_key(key.id); });
  change("another key", [&](DirectoryWriter& w) { return w.put_key(key); });
  change("a counter", [&](DirectoryWriter& w) { return w.add_to_counter(id, CounterPeriod::Day, soon, 3); });
  change("usage", [&](DirectoryWriter& w) { return w.add_usage(id, key.id, soon, 1, 2); });
  change("old entries go", [&](DirectoryWriter& w) -> Result<void> {
    const auto expired = w.expire_audit(soon + std::chrono::seconds(5), 3);
    return expired ? Result<void>() : expired.error();
  });
  change("half of a change that fails", [&](DirectoryWriter& w) -> Result<void> {
    if (auto put = w.put_account(make_account("half")); !put) return put;
    return Error(ErrorCode::Conflict, "no");
  });
  change("the account's end", [&](DirectoryWriter& w) { return w.remove_account(id); });
}

TEST_F(ReplicaTest, ReplaysWhatIsDoneToPeopleAndAddressesOctetByOctet) {
  const AccountRecord account = make_account("acme");
  const AccountId id = account.id;
  UserRecord user{
      .id = make_user_id(random_), .account = id, .email = "ann@acme.example", .password_hash = "hash", .created = clock_.now()};
  UserRecord moved = user;
  moved.email = "ann@other.example";
  SessionRecord session;
  random_.fill(session.id.octets);
  session.account = id;
  session.user = user.id;
  session.opened = clock_.now();
  session.expires_at = clock_.now() + std::chrono::hours(1);
  const Confirmation question{.account = id, .address = "ann@acme.example", .asked = clock_.now(), .expires_at = clock_.now()};
  const Instant soon = clock_.now() + std::chrono::seconds(1);
  std::string after;

  change("an account", [&](DirectoryWriter& w) { return w.put_account(account); });
  change("a whitelist entry", [&](DirectoryWriter& w) { return w.add_to_whitelist(id, {.address = "a@b.c", .added = soon}); });
  change("another", [&](DirectoryWriter& w) { return w.add_to_whitelist(id, {.address = "d@b.c", .added = soon}); });
  change("its end", [&](DirectoryWriter& w) { return w.remove_from_whitelist(id, "a@b.c"); });
  change("a question", [&](DirectoryWriter& w) { return w.put_confirmation(question); });
  change("its answer", [&](DirectoryWriter& w) { return w.remove_confirmation(id, question.kind, question.address); });
  change("a person", [&](DirectoryWriter& w) { return w.put_user(user); });
  change("a new address", [&](DirectoryWriter& w) { return w.put_user(moved); });
  change("a new password", [&](DirectoryWriter& w) { return w.note_password_change(moved); });
  change("a session", [&](DirectoryWriter& w) { return w.put_session(session); });
  change("its end", [&](DirectoryWriter& w) { return w.remove_session(session.id); });
  change("a wish", [&](DirectoryWriter& w) { return w.put_production_request({.account = id, .at = soon, .use_case = "mail"}); });
  change("its end", [&](DirectoryWriter& w) { return w.remove_production_request(id); });
  change("a suppression", [&](DirectoryWriter& w) {
    return w.put_suppression(id, {.address = "No@Where.Example", .at = soon, .message = {}, .until = soon});
  });
  change("the same",
         [&](DirectoryWriter& w) { return w.put_suppression(id, {.address = "no@where.example", .at = soon, .message = {}}); });
  change("its end", [&](DirectoryWriter& w) { return w.remove_suppression(id, "no@where.example"); });
  change("one for a while", [&](DirectoryWriter& w) {
    return w.put_suppression(id, {.address = "x@where.example", .at = soon, .message = {}, .until = soon});
  });
  change("time goes by", [&](DirectoryWriter& w) { return w.expire_suppressions(soon + std::chrono::hours(1), after, 100); });
  change("one that stays",
         [&](DirectoryWriter& w) { return w.put_suppression(id, {.address = "y@z.example", .at = soon, .message = {}}); });
  change("the account's end", [&](DirectoryWriter& w) { return w.remove_account(id); });
}

TEST_F(ReplicaTest, ReplaysWhatIsDoneToDomainsAndWebhooksOctetByOctet) {
  const AccountRecord account = make_account("acme");
  const AccountId id = account.id;
  DomainRecord domain;
  domain.id = make_domain_id(random_);
  domain.account = id;
  domain.name = "acme.example";
  DomainRecord verified = domain;
  verified.state = DomainState::Verified;
  WebhookRecord webhook;
  webhook.id = make_webhook_id(random_);
  webhook.account = id;
  webhook.url = "https://acme.example/hook";
  webhook.secret = std::string(24, 's');
  WebhookRecord off = webhook;
  off.state = WebhookState::Disabled;
  OrderRecord order;
  random_.fill(order.id.octets);
  order.scope.domain = "example.org";
  order.created = clock_.now();
  order.expires_at = clock_.now() + std::chrono::hours(1);
  const Instant soon = clock_.now() + std::chrono::seconds(1);

  change("an account", [&](DirectoryWriter& w) { return w.put_account(account); });
  change("a domain", [&](DirectoryWriter& w) { return w.put_domain(domain); });
  change("its proof", [&](DirectoryWriter& w) { return w.put_domain(verified); });
  change("a webhook", [&](DirectoryWriter& w) { return w.put_webhook(webhook); });
  change("its progress",
         [&](DirectoryWriter& w) { return w.put_webhook_progress(webhook.id, {.cursor = 4, .failing_since = {}}); });
  change("what it waits for", [&](DirectoryWriter& w) {
    return w.put_pending_event(webhook.id, {.sequence = 5, .message = {}, .first_attempt = soon, .due = soon});
  });
  change("it is turned off", [&](DirectoryWriter& w) { return w.put_webhook(off); });
  change("its end", [&](DirectoryWriter& w) { return w.remove_webhook(webhook.id); });
  change("an order", [&](DirectoryWriter& w) { return w.put_order(order); });
  change("its end", [&](DirectoryWriter& w) { return w.remove_order(order.id); });
  change("the account's end", [&](DirectoryWriter& w) { return w.remove_account(id); });
}

TEST_F(ReplicaTest, NeverAsksAboutWhatIsANodesOwn) {
  const AccountRecord account = put_account();
  const KeyRecord key = put_key(account.id);
  const int asked = log_.asked();
  log_.is_away = true;
  ASSERT_TRUE(
      write(first_, [&](DirectoryWriter& w) { return w.put_key_usage(key.id, {.at = {}, .address = {}, .helo_name = "a"}); }));
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.add_to_counter(account.id, CounterPeriod::Day, clock_.now(), 3); }));
  EXPECT_EQ(log_.asked(), asked);
  EXPECT_EQ(first_.directory().counter(account.id, CounterPeriod::Day, clock_.now()).value(), 3U);
  EXPECT_EQ(second_.directory().counter(account.id, CounterPeriod::Day, clock_.now()).value(), 0U);
}

TEST_F(ReplicaTest, ChangesNothingWhereTheHistoryCannotBeAsked) {
  put_account();
  log_.is_away = true;
  const Result<void> written = write(first_, [&](DirectoryWriter& w) { return w.put_account(make_account("other")); });
  EXPECT_EQ(written.error().code(), ErrorCode::StorageShedding);
  EXPECT_EQ(first_.directory().list_accounts().value().size(), 1U);
}

TEST_F(ReplicaTest, RefusesToChangeAMembersSharedRowsWithoutTheCluster) {
  put_account();
  first_.reopen();  // nothing follows the log
  const Result<void> written = write(first_, [&](DirectoryWriter& w) { return w.put_account(make_account("other")); });
  EXPECT_EQ(written.error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(write(
      first_, [&](DirectoryWriter& w) { return w.expire_counters(clock_.now()) ? Result<void>() : Error(ErrorCode::IoError); }));
  ASSERT_TRUE(Replica(first_.directory()).leave());
  EXPECT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.put_account(make_account("other")); }));
}

TEST_F(ReplicaTest, HandsLaterWritesOfSharedRowsToTheLog) {
  const AccountRecord account = put_account();
  test::Waiter waiter;
  first_.directory().write_later(
      [&](DirectoryWriter& w) { return w.put_suppression(account.id, {.address = "a@b.example", .at = {}, .message = {}}); },
      waiter.completion());
  test::Waiter own;  // committed behind it
  first_.directory().write_later([](DirectoryWriter&) { return Result<void>(); }, own.completion());
  ASSERT_TRUE(own.get());
  EXPECT_FALSE(is_suppressed(first_, account.id, "a@b.example"));
  log_.run_later();
  ASSERT_TRUE(waiter.get());
  EXPECT_TRUE(is_suppressed(first_, account.id, "a@b.example"));
  EXPECT_TRUE(is_suppressed(second_, account.id, "a@b.example"));
}

TEST_F(ReplicaTest, MovesOnlyFromWhereItStands) {
  put_account();
  const ReplicaCursor elsewhere{.version = 7};
  EXPECT_FALSE(log_.replica(1).advance(elsewhere, std::vector<SharedRow>{}, {.version = 8}).value());
  EXPECT_EQ(log_.replica(1).cursor().value(), log_.head());
}

TEST_F(ReplicaTest, HoldsAFactInForceUntilTheHistoryHasIt) {
  const AccountRecord account = put_account();
  const KeyRecord key = put_key(account.id);
  const std::vector<SharedRow> before = all_rows(second_.directory());
  ASSERT_TRUE(log_.replica(0).hold(revocation(key)));
  EXPECT_TRUE(is_revoked(first_, key));
  EXPECT_FALSE(is_revoked(second_, key));
  EXPECT_TRUE(log_.replica(0).has_held_facts().value());

  // The history goes on without it, and both still agree about what the history says.
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.put_account(make_account("other")); }));
  EXPECT_TRUE(is_revoked(first_, key));
  EXPECT_FALSE(is_revoked(second_, key));

  ASSERT_TRUE(log_.write(log_.replica(0).tell_held_facts(), {}));
  EXPECT_TRUE(is_revoked(second_, key));
  EXPECT_FALSE(log_.replica(0).has_held_facts().value());
  EXPECT_EQ(all_rows(first_.directory()), all_rows(second_.directory()));
  EXPECT_NE(all_rows(second_.directory()), before);
}

TEST_F(ReplicaTest, LetsEachOfSeveralChangesStandOrFallByItself) {
  const AccountRecord account = make_account("acme");
  const AccountRecord twin = make_account("acme");
  const KeyRecord key = make_key(account.id);
  const DirectoryChange changes[] = {[&](DirectoryWriter& w) { return w.put_account(account); },
                                     [&](DirectoryWriter& w) { return w.put_account(twin); },
                                     [&](DirectoryWriter& w) { return w.put_key(key); }};
  const Actor actor;
  std::vector<Replica::Proposal> proposals;
  for (const DirectoryChange& change : changes) proposals.push_back({change, actor});
  const lmdb::WriteSet rows = log_.replica(0).propose(proposals).value();
  EXPECT_TRUE(proposals[0].outcome);
  EXPECT_EQ(proposals[1].outcome.error().code(), ErrorCode::AlreadyExists);
  EXPECT_TRUE(proposals[2].outcome) << "it follows the first";
  EXPECT_TRUE(first_.directory().list_accounts().value().empty()) << "nothing of it stays";
  ASSERT_TRUE(log_.replica(1).advance(ReplicaCursor{}, shared_rows(rows), {.version = 1}).value());
  EXPECT_EQ(second_.directory().find_key(key.id).value()->account, account);
  EXPECT_EQ(second_.directory().list_accounts().value().size(), 1U);
  EXPECT_EQ(second_.directory().examine().value(), std::vector<std::string>());
}

TEST_F(ReplicaTest, CountsAHeldSuppressionOnce) {
  const AccountRecord account = put_account();
  const auto suppress = [&](DirectoryWriter& w) {
    return w.put_suppression(account.id, {.address = "a@b.example", .at = {}, .message = {}});
  };
  ASSERT_TRUE(log_.replica(0).hold(log_.replica(0).propose(suppress, {}).value()));
  ASSERT_TRUE(log_.replica(0).hold(log_.replica(0).propose(suppress, {}).value()));
  EXPECT_TRUE(is_suppressed(first_, account.id, "a@b.example"));
  ASSERT_TRUE(log_.write(log_.replica(0).tell_held_facts(), {}));
  EXPECT_EQ(all_rows(first_.directory()), all_rows(second_.directory()));
  EXPECT_EQ(first_.directory().examine().value(), std::vector<std::string>());
}

TEST_F(ReplicaTest, DropsAHeldFactOfWhatIsGone) {
  const AccountRecord account = put_account();
  const KeyRecord key = put_key(account.id);
  ASSERT_TRUE(log_.replica(0).hold(revocation(key)));
  ASSERT_TRUE(log_.write([&](DirectoryWriter& w) { return w.remove_key(key.id); }, {}));
  EXPECT_FALSE(log_.replica(0).has_held_facts().value());
  EXPECT_EQ(all_rows(first_.directory()), all_rows(second_.directory()));
}

TEST_F(ReplicaTest, NeverRevivesAKeyWhenItsHistoryIsLost) {
  const AccountRecord account = put_account();
  const KeyRecord key = put_key(account.id);
  const std::vector<SharedRow> earlier = all_rows(second_.directory());
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) {
    KeyRecord revoked = key;
    revoked.revoked_at = clock_.now();
    return w.put_key(revoked);
  }));
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) {
    return w.put_suppression(account.id, {.address = "a@b.example", .at = {}, .message = {}});
  }));
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.put_account(make_account("lost")); }));

  const ReplicaCursor other{.version = 2, .change = {1, 2, 3}};
  for (std::size_t i = 0; i < 2; ++i) ASSERT_TRUE(log_.replica(i).replace(log_.head(), earlier, other, true).value());
  for (TempStore* store : {&first_, &second_}) {
    EXPECT_TRUE(is_revoked(*store, key));
    EXPECT_TRUE(is_suppressed(*store, account.id, "a@b.example"));
    EXPECT_EQ(store->directory().find_account_named("lost").value(), std::nullopt);
    EXPECT_EQ(store->directory().examine().value(), std::vector<std::string>());
  }
  const lmdb::WriteSet told = log_.replica(0).propose(log_.replica(0).tell_held_facts(), {}).value();
  const ReplicaCursor next{.version = 3, .change = {4}};
  for (std::size_t i = 0; i < 2; ++i) ASSERT_TRUE(log_.replica(i).advance(other, shared_rows(told), next).value());
  EXPECT_FALSE(log_.replica(1).has_held_facts().value());
  EXPECT_TRUE(is_revoked(second_, key));
  EXPECT_EQ(all_rows(first_.directory()), all_rows(second_.directory()));
}

TEST_F(ReplicaTest, ForgetsWithAHistoryThatItMissedWhatThatOneHasForgotten) {
  const AccountRecord account = put_account();
  const std::vector<SharedRow> earlier = all_rows(second_.directory());
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) {
    return w.put_suppression(account.id, {.address = "a@b.example", .at = {}, .message = {}});
  }));
  ASSERT_TRUE(log_.replica(1).replace(log_.head(), earlier, {.version = 900, .change = {1}}, false).value());
  EXPECT_FALSE(is_suppressed(second_, account.id, "a@b.example"));
  EXPECT_EQ(all_rows(second_.directory()), earlier);
}

TEST_F(ReplicaTest, LosesANodesOwnRowsWithThoseTheyStandBeside) {
  const AccountRecord account = put_account();
  const KeyRecord key = put_key(account.id);
  ASSERT_TRUE(
      write(second_, [&](DirectoryWriter& w) { return w.put_key_usage(key.id, {.at = {}, .address = {}, .helo_name = "a"}); }));
  ASSERT_TRUE(write(second_, [&](DirectoryWriter& w) { return w.add_usage(account.id, key.id, clock_.now(), 1, 1); }));
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.remove_account(account.id); }));
  EXPECT_EQ(second_.directory().find_key_usage(key.id).value(), std::nullopt);
  EXPECT_FALSE(second_.directory().remove_leftovers().value());
  EXPECT_TRUE(second_.directory().list_usage(account.id, {}, clock_.now() + std::chrono::days(2), 10).value().empty());
  EXPECT_EQ(second_.directory().examine().value(), std::vector<std::string>());
}

TEST_F(ReplicaTest, BeginsAWebhookWithTheEventsThatAreNextOnEachNode) {
  const AccountRecord account = put_account();
  ASSERT_TRUE(first_.spool().raise_last_sequence(99));
  ASSERT_TRUE(second_.spool().raise_last_sequence(500));
  WebhookRecord webhook;
  webhook.id = make_webhook_id(random_);
  webhook.account = account.id;
  webhook.secret = std::string(24, 's');
  webhook.first_sequence = 100;
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.put_webhook(webhook); }));
  EXPECT_EQ(second_.directory().webhook_progress(webhook.id).value().cursor, 500U) << "not with what was there before it";

  webhook.id = make_webhook_id(random_);
  webhook.first_sequence = 501;
  ASSERT_TRUE(write(second_, [&](DirectoryWriter& w) { return w.put_webhook(webhook); }));
  EXPECT_EQ(second_.spool().last_sequence().value(), 500U);
  EXPECT_EQ(first_.spool().last_sequence().value(), 500U) << "or its next events would be none of the webhook's";
  EXPECT_EQ(first_.directory().webhook_progress(webhook.id).value().cursor, 99U);

  const WebhookProgress far{.cursor = 777, .failing_since = {}};
  ASSERT_TRUE(write(first_, [&](DirectoryWriter& w) { return w.put_webhook_progress(webhook.id, far); }));
  webhook.state = WebhookState::Disabled;
  ASSERT_TRUE(write(second_, [&](DirectoryWriter& w) { return w.put_webhook(webhook); }));
  EXPECT_EQ(first_.directory().webhook_progress(webhook.id).value(), far) << "one that is known goes on";
}

TEST_F(ReplicaTest, RemembersWhereItStandsAndWhoseNodeItIs) {
  put_account();
  const ReplicaCursor cursor = log_.head();
  second_.reopen();
  EXPECT_EQ(Replica(second_.directory()).cursor().value(), cursor);
  EXPECT_EQ(Replica(second_.directory()).membership().value(), (Membership{.cluster = {}, .node = 2}));
  EXPECT_EQ(Replica(alone_.directory()).membership().value(), std::nullopt);
}

}  // namespace
}  // namespace postern::store
