// Records: encode and decode are inverse, and whatever encode cannot have written is refused.
#include "store/codec.h"

#include "store/crc32c.h"
#include "store/octets.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

// Values that are different each time, optional fields sometimes absent.
class Values {
 public:
  explicit Values(std::uint64_t seed) : random_(seed) {}

  bool coin() { return random_.below(2) == 1; }
  std::uint64_t number() { return random_.below(2) == 0 ? random_.below(300) : random_.below(~std::uint64_t{0}); }
  Instant instant() { return Instant{Duration{static_cast<Duration::rep>(random_.below(1ULL << 60))}}; }
  std::string text() {
    std::string text(random_.below(40), '\0');
    for (char& c : text) c = static_cast<char>(random_.below(256));
    return text;
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> octets() {
    std::array<std::uint8_t, N> octets{};
    random_.fill(octets);
    return octets;
  }
  template <class Enum>
  Enum word(Enum last) {
    return static_cast<Enum>(1 + random_.below(static_cast<std::uint64_t>(last)));
  }
  std::vector<std::string> texts() {
    std::vector<std::string> texts(random_.below(4));
    for (std::string& t : texts) t = text();
    return texts;
  }
  std::optional<Instant> maybe_instant() { return coin() ? std::optional(instant()) : std::nullopt; }
  Status status() {
    Status status;
    status.code = static_cast<std::uint16_t>(random_.below(600));
    if (coin()) status.enhanced = EnhancedCode{.klass = 5, .subject = 7, .detail = 999};
    status.text = text();
    return status;
  }
  Mailbox mailbox() { return Mailbox{.local_part = text(), .domain = text()}; }

  AccountRecord account() {
    AccountRecord account;
    account.id.octets = octets<10>();
    account.name = text();
    account.mode = word(AccountMode::Production);
    account.state = word(AccountState::Suspended);
    account.plan.name = text();
    if (coin()) account.plan.per_second = static_cast<std::uint32_t>(random_.below(5000));
    if (coin()) account.plan.per_day = number();
    if (coin()) account.plan.per_month = number();
    account.from_domains = texts();
    account.created = instant();
    return account;
  }
  KeyRecord key() {
    KeyRecord key;
    key.id.octets = octets<10>();
    key.account.octets = octets<10>();
    key.name = text();
    key.environment = word(Environment::Test);
    key.permission = word(Permission::SendingAccess);
    key.from_domains = texts();
    for (std::uint64_t i = random_.below(3); i > 0; --i) {
      key.networks.push_back(IpNetwork{.address = {octets<16>()}, .prefix_length = static_cast<std::uint8_t>(random_.below(129))});
    }
    if (coin()) key.per_second = 7;
    key.prefix = text();
    key.digest = octets<32>();
    key.created = instant();
    key.expires_at = maybe_instant();
    key.revoked_at = maybe_instant();
    key.retires_at = maybe_instant();
    if (coin()) key.successor = KeyId{octets<10>()};
    return key;
  }
  MessageRecord message() {
    MessageRecord message;
    message.id.octets = octets<16>();
    message.account.octets = octets<10>();
    message.key.octets = octets<10>();
    message.environment = word(Environment::Test);
    message.origin = word(MessageOrigin::Notification);
    message.user_name = text();
    if (coin()) message.envelope.reverse_path = mailbox();
    if (coin()) message.envelope.parameters.declared_size = number();
    message.envelope.parameters.body = BodyType::EightBitMime;
    message.envelope.parameters.smtputf8 = coin();
    message.envelope.parameters.require_tls = coin();
    message.envelope.parameters.ret = DsnReturn::Headers;
    message.envelope.parameters.envid = text();
    for (std::uint64_t i = random_.below(5); i > 0; --i) {
      const Notify notify{.is_given = coin(), .never = coin(), .success = coin(), .failure = coin(), .delay = coin()};
      message.envelope.recipients.push_back(Recipient{.mailbox = mailbox(), .notify = notify, .orcpt = text()});
    }
    message.accepted_at = instant();
    message.client_address.octets = octets<16>();
    message.helo_name = text();
    message.content_octets = number();
    message.chunk_count = static_cast<std::uint32_t>(random_.below(1U << 31));
    message.trace_octets = 200;
    message.signature_fields = text();
    message.summary.from = text();
    message.summary.subject = text();
    message.summary.to = texts();
    message.summary.cc = texts();
    message.summary.bcc = texts();
    message.summary.reply_to = texts();
    for (std::uint64_t i = random_.below(3); i > 0; --i) message.summary.tags.emplace_back(text(), text());
    message.summary.message_id = text();
    return message;
  }
  UserRecord user() {
    return {.id = {octets<10>()}, .account = {octets<10>()}, .email = text(), .password_hash = text(), .created = instant()};
  }
  DomainRecord domain() {
    DomainRecord domain;
    domain.id.octets = octets<10>();
    domain.account.octets = octets<10>();
    domain.name = text();
    domain.state = word(DomainState::Failed);
    domain.ownership_token = text();
    for (std::uint64_t i = random_.below(3); i > 0; --i) {
      domain.dkim_keys.push_back({.selector = text(), .algorithm = text(), .private_key = text(), .public_record = text()});
    }
    for (std::uint64_t i = random_.below(3); i > 0; --i) {
      domain.checks.push_back({.name = text(), .is_found = coin(), .finding = text()});
    }
    domain.created = instant();
    domain.checked_at = maybe_instant();
    domain.verified_at = maybe_instant();
    return domain;
  }
  SuppressionRecord suppression() {
    SuppressionRecord suppression{.address = text(), .reason = word(SuppressionReason::Manual), .at = instant(), .message = {}};
    if (coin()) suppression.message = MessageId{octets<16>()};
    return suppression;
  }
  WebhookRecord webhook() {
    return {.id = {octets<10>()},
            .account = {octets<10>()},
            .url = text(),
            .events = texts(),
            .state = word(WebhookState::Failed),
            .secret = text(),
            .previous_secret = text(),
            .previous_secret_until = maybe_instant(),
            .created = instant(),
            .first_sequence = number(),
            .from_domains = {}};
  }
  WebhookProgress progress() {
    return {.cursor = number(), .failing_since = maybe_instant(), .delivered = number(), .given_up = number()};
  }
  PendingWebhookEvent pending_event() {
    return {.sequence = number(),
            .message = {octets<16>()},
            .first_attempt = instant(),
            .due = instant(),
            .attempts = static_cast<std::uint16_t>(random_.below(65536))};
  }
  DeliveryRecord delivery() {
    DeliveryRecord delivery;
    for (std::uint64_t i = random_.below(5); i > 0; --i) {
      RecipientState& state = delivery.recipients.emplace_back();
      state.stage = word(RecipientStage::Complained);
      state.attempts = static_cast<std::uint16_t>(random_.below(65536));
      state.next_attempt = instant();
      state.last_status = status();
      state.remote = text();
      state.delay_notified = coin();
      state.is_own_word = coin();
    }
    delivery.due = maybe_instant();
    delivery.lane = text();
    delivery.settled_at = maybe_instant();
    delivery.content_until = maybe_instant();
    delivery.scheduled_at = maybe_instant();
    return delivery;
  }
  Event event() {
    Event event;
    event.sequence = number();
    event.at = instant();
    event.type = word(EventType::MessageScheduled);
    event.account.octets = octets<10>();
    event.message.octets = octets<16>();
    event.environment = word(Environment::Test);
    event.recipient = text();
    event.status = status();
    event.detail = text();
    return event;
  }

 private:
  test::FakeRandom random_;
};

TEST(Codec, RestoresEveryRecordItWrote) {
  Values values(1);
  std::string octets;
  for (int i = 0; i < 500; ++i) {
    const AccountRecord account = values.account();
    encode(account, octets);
    ASSERT_EQ(decode<AccountRecord>(octets).value(), account);
    const KeyRecord key = values.key();
    encode(key, octets);
    ASSERT_EQ(decode<KeyRecord>(octets).value(), key);
    const MessageRecord message = values.message();
    encode(message, octets);
    ASSERT_EQ(decode<MessageRecord>(octets).value(), message);
    ASSERT_EQ(decode<MessageFacts>(octets).value().content_octets, message.content_octets);
    const DeliveryRecord delivery = values.delivery();
    encode(delivery, octets);
    ASSERT_EQ(decode<DeliveryRecord>(octets).value(), delivery);
    const KeyUsage usage{.at = values.instant(), .address = {values.octets<16>()}, .helo_name = values.text()};
    encode(usage, octets);
    ASSERT_EQ(decode<KeyUsage>(octets).value(), usage);
    const WhitelistEntry entry{.address = values.text(), .added = values.instant()};
    encode(entry, octets);
    ASSERT_EQ(decode<WhitelistEntry>(octets).value(), entry);
    const SpoolTotals totals{.next_sequence = values.number(), .captured_octets = values.number()};
    encode(totals, octets);
    ASSERT_EQ(decode<SpoolTotals>(octets).value(), totals);
    const Event event = values.event();
    encode(event, octets);
    const Event restored = decode<Event>(octets).value();
    ASSERT_EQ(restored.sequence, event.sequence);
    ASSERT_EQ(restored.at, event.at);
    ASSERT_EQ(restored.type, event.type);
    ASSERT_EQ(restored.message, event.message);
    ASSERT_EQ(restored.recipient, event.recipient);
    ASSERT_EQ(restored.status, event.status);
    ASSERT_EQ(restored.detail, event.detail);
    ASSERT_EQ(decode<EventFacts>(octets).value().message, event.message);
  }
}

template <class Record>
void expect_restored(const Record& record) {
  std::string octets;
  encode(record, octets);
  const Result<Record> restored = decode<Record>(octets);
  ASSERT_TRUE(restored);
  EXPECT_EQ(*restored, record);
}

TEST(Codec, RestoresEveryRecordOfTheHttpService) {
  Values values(11);
  for (int i = 0; i < 200; ++i) {
    expect_restored(values.user());
    expect_restored(values.domain());
    expect_restored(values.suppression());
    expect_restored(values.webhook());
    expect_restored(values.progress());
    expect_restored(values.pending_event());
    expect_restored(ProductionRequest{.account = {values.octets<10>()}, .at = values.instant(), .use_case = values.text()});
    expect_restored(UsageRow{values.instant(), {values.octets<10>()}, values.number(), values.number()});
    expect_restored(IdempotencyRecord{values.octets<32>(), {values.octets<16>()}, values.instant()});
    expect_restored(RunRecord{.account = AccountId{values.octets<10>()},
                              .name = values.text(),
                              .label = values.text(),
                              .seed = values.number(),
                              .script = values.text(),
                              .created = values.instant(),
                              .expires_at = values.instant(),
                              .clock = values.instant(),
                              .clock_start = values.instant(),
                              .told_up_to = values.number()});
    expect_restored(RunMemory{{values.octets<10>()}, values.text(), values.instant(), 3, {1, 0},
                              {{values.text(), values.text(), 3}}, {{values.instant(), 1, 2, values.text(), values.text(), 1}}});
    expect_restored(SessionTranscript{values.text()});
    expect_restored(DestinationPause{.name = values.text(), .since = values.instant(), .until = values.instant(),
                                     .why = values.status()});
  }
}

// The checksum made right again, so that the fields themselves are reached.
std::string with_sum(std::string fields) {
  const std::uint32_t sum = crc32c(fields);
  for (int i = 0; i < 4; ++i) fields.push_back(static_cast<char>((sum >> (8 * i)) & 0xff));
  return fields;
}

// `octets` as an earlier version had them: without the last `tail` of the fields.
std::string earlier_version(const std::string& octets, std::size_t tail, char version) {
  std::string earlier = octets.substr(0, octets.size() - 4 - tail);
  earlier[1] = version;
  return with_sum(std::move(earlier));
}
std::string first_version(const std::string& octets, std::size_t tail) { return earlier_version(octets, tail, 1); }

// Whoever moves a field makes every directory on disk unreadable: that needs a version and a migration.
TEST(Codec, StoresTheRecordsOfTheDirectoryAsEver) {
  Values values(7);
  std::string all;
  std::string record;
  // `later`: the octets of the fields that the first version had not, which have their defaults here.
  const auto add = [&](const auto& value, std::size_t later = 0) {
    encode(value, record);
    all += later == 0 ? record : first_version(record, later);
  };
  for (int i = 0; i < 20; ++i) {
    add(Count{values.number()});
    add(values.account(), 4);
    add(values.key());
    add(KeyUsage{.at = values.instant(), .address = {values.octets<16>()}, .helo_name = values.text()});
    add(WhitelistEntry{.address = values.text(), .added = values.instant()});
    add(ProductionRequest{.account = {values.octets<10>()}, .at = values.instant(), .use_case = values.text()});
    add(UsageRow{.day = values.instant(), .key = {values.octets<10>()}, .messages = values.number(),
                 .recipients = values.number()});
    add(values.user(), 3);
    const DomainRecord domain = values.domain();
    add(domain, 3 + 2 * domain.dkim_keys.size());
    add(values.suppression(), 2);
    add(values.webhook(), 4);
    add(values.progress(), 1);
    add(values.pending_event(), 2);
  }
  EXPECT_EQ(crc32c(all), 1'532'108'822U);
}

TEST(Codec, StillReadsTheDirectoryOfTheFirstRecordVersions) {
  Values values(13);
  std::string octets;
  const AccountRecord account = values.account();
  encode(account, octets);
  EXPECT_EQ(decode<AccountRecord>(first_version(octets, 4)).value(), account);
  EXPECT_EQ(decode<AccountRecord>(earlier_version(octets, 1, 2)).value(), account);
  const DomainRecord domain = values.domain();
  encode(domain, octets);
  EXPECT_EQ(decode<DomainRecord>(earlier_version(octets, 2 * domain.dkim_keys.size(), 4)).value(), domain);
  const UserRecord user = values.user();
  encode(user, octets);
  EXPECT_EQ(decode<UserRecord>(first_version(octets, 3)).value(), user);
  EXPECT_EQ(decode<UserRecord>(earlier_version(octets, 1, 2)).value(), user);
  const SuppressionRecord suppression = values.suppression();
  encode(suppression, octets);
  EXPECT_EQ(decode<SuppressionRecord>(first_version(octets, 2)).value(), suppression);
  EXPECT_EQ(decode<SuppressionRecord>(earlier_version(octets, 1, 2)).value(), suppression);
}

TEST(Codec, RestoresWhatTheLaterVersionsAdd) {
  Values values(14);
  AccountRecord account = values.account();
  account.is_self_made = true;
  account.auto_suppression = AutoSuppression::Off;
  account.suppression_days = 30;
  account.blind_copy_to = values.text();
  expect_restored(account);
  UserRecord user = values.user();
  user.ended_sessions = {{values.text(), values.instant()}, {values.text(), values.instant()}};
  user.sessions_from = values.instant();
  user.is_operator = true;
  expect_restored(user);
  SessionRecord session;
  session.id = {values.octets<10>()};
  session.account = {values.octets<10>()};
  session.key = KeyId{values.octets<10>()};
  session.digest = values.octets<32>();
  session.opened = values.instant();
  session.expires_at = values.instant();
  session.client = values.text();
  expect_restored(session);
  expect_restored(AuditRecord{.at = values.instant(), .account = {values.octets<10>()}, .actor_kind = ActorKind::CommandLine,
                              .actor_id = values.text(), .actor_name = values.text(), .address = IpAddress{values.octets<16>()},
                              .action = values.text(), .target_kind = values.text(), .target_id = values.text(),
                              .target_name = values.text(), .detail = values.text()});
  StatsRow stats;
  stats.environment = Environment::Test;
  stats.start = values.instant();
  stats.totals = {.accepted = 1, .delivered = 2, .deferred = 3, .bounced = 4, .refused = 5, .suppressed = 6, .complained = 7};
  stats.keys = {{.key = {values.octets<10>()}, .accepted = values.number(), .refused = 1}};
  stats.domains = {{.domain = values.text(), .accepted = 1, .delivered = 2, .deferred = 3, .bounced = 4}};
  stats.refusals = {{.token = "rate_limited", .count = values.number()}, {.token = "", .count = 2}};
  stats.delays = {0, values.number(), 3};
  expect_restored(stats);
  DomainRecord domain = values.domain();
  domain.is_receiving = true;
  domain.routes = {{.id = values.text(), .match = values.text(), .action = RouteAction::Webhook, .is_active = false},
                   {.id = values.text(), .match = "*", .action = RouteAction::Forward, .destination = values.text()}};
  domain.inbound_policy = InboundPolicy::Reject;
  domain.dkim_keys = {DkimKey{}};
  domain.dkim_keys[0].state = DkimKeyState::Retired;
  domain.dkim_keys[0].until = values.instant();
  expect_restored(domain);
  SuppressionRecord suppression = values.suppression();
  suppression.until = values.instant();
  suppression.stream = values.text();
  expect_restored(suppression);
  WebhookRecord webhook = values.webhook();
  webhook.mail = WebhookMail::Test;
  webhook.from_domains = {values.text(), values.text()};
  std::tie(webhook.received_form, webhook.routes) = std::pair(ReceivedForm::Postmark, std::vector{values.text()});
  expect_restored(webhook);
  WebhookProgress progress = values.progress();
  progress.is_proven = true;
  expect_restored(progress);
  PendingWebhookEvent pending = values.pending_event();
  pending.is_requested = true;
  pending.has_own_clock = true;
  expect_restored(pending);
  expect_restored(EventIdKey{.octets = values.octets<16>(), .last_numbered = values.number()});
  const KeyUsage use{.at = values.instant(), .address = {values.octets<16>()}, .helo_name = values.text()};
  expect_restored(KeyRefusal{use, values.text()});
  expect_restored(Confirmation{.account = {values.octets<10>()}, .kind = ConfirmationKind::Whitelist, .address = values.text(),
                               .code_digest = values.octets<32>(), .asked = values.instant(), .expires_at = values.instant()});
}

TEST(Codec, StillReadsAMessageOfEarlierRecordVersions) {
  Values values(12);
  MessageRecord message = values.message();
  message.summary.message_id.clear();
  std::string octets;
  encode(message, octets);
  EXPECT_EQ(decode<MessageRecord>(earlier_version(octets, 1, 4)).value(), message);
  EXPECT_EQ(decode<MessageRecord>(earlier_version(octets, 2, 3)).value(), message);
  EXPECT_EQ(decode<MessageRecord>(earlier_version(octets, 3, 2)).value(), message);
  message.signature_fields.clear();
  message.summary = {};
  encode(message, octets);
  EXPECT_EQ(decode<MessageRecord>(first_version(octets, 11)).value(), message);
}

TEST(Codec, StillReadsADeliveryOfTheFirstRecordVersion) {
  DeliveryRecord delivery;
  delivery.recipients.resize(1);
  delivery.recipients[0].attempts = 3;
  std::string octets;
  encode(delivery, octets);
  // Without the checksum; the last six fields are empty, and is_own_word stands before them.
  std::string first = octets.substr(0, octets.size() - 4 - 7) + std::string(4, '\0');
  first[1] = 1;
  const Result<DeliveryRecord> restored = decode<DeliveryRecord>(with_sum(std::move(first)));
  ASSERT_TRUE(restored);
  EXPECT_EQ(*restored, delivery);
}

// Its lane was a hash, and nothing was scheduled: the message's record tells the lanes.
TEST(Codec, StillReadsADeliveryOfTheSecondRecordVersion) {
  DeliveryRecord delivery;
  delivery.recipients.resize(1);
  delivery.recipients[0].is_own_word = true;
  std::string octets;
  encode(delivery, octets);
  std::string second = octets.substr(0, octets.size() - 4 - 2);
  second[1] = 2;
  second.replace(second.size() - 3, 1, "\xa5\xdd\x02");  // before two fields that are empty
  const Result<DeliveryRecord> restored = decode<DeliveryRecord>(with_sum(std::move(second)));
  ASSERT_TRUE(restored);
  EXPECT_EQ(*restored, delivery);
}

TEST(Codec, StillReadsADeliveryOfTheThirdRecordVersionWhereNobodyWasMoved) {
  DeliveryRecord delivery;
  delivery.recipients.resize(2);
  delivery.lane = "example.net";
  std::string octets;
  encode(delivery, octets);
  EXPECT_EQ(decode<DeliveryRecord>(earlier_version(octets, 2, 3)).value(), delivery);
  delivery.recipients[1].route = "backup";
  encode(delivery, octets);
  EXPECT_EQ(decode<DeliveryRecord>(octets).value(), delivery);
}

TEST(Codec, StillReadsWhatWebhooksHadInTheFirstRecordVersion) {
  Values values(13);
  std::string octets;
  for (int i = 0; i < 20; ++i) {
    const WebhookRecord webhook = values.webhook();
    encode(webhook, octets);
    EXPECT_EQ(decode<WebhookRecord>(first_version(octets, 4)).value(), webhook) << "events of all mail";
    WebhookProgress progress = values.progress();
    progress.delivered = static_cast<std::uint64_t>(i % 2);
    progress.is_proven = progress.delivered > 0;
    encode(progress, octets);
    EXPECT_EQ(decode<WebhookProgress>(first_version(octets, 1)).value(), progress) << "who took an event is proven";
    const PendingWebhookEvent pending = values.pending_event();
    encode(pending, octets);
    EXPECT_EQ(decode<PendingWebhookEvent>(first_version(octets, 2)).value(), pending);
    EXPECT_EQ(decode<PendingWebhookEvent>(earlier_version(octets, 1, 2)).value(), pending);
  }
}

TEST(Codec, RefusesARecordWithAnyOctetChanged) {
  Values values(2);
  std::string octets;
  encode(values.message(), octets);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    std::string damaged = octets;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    ASSERT_EQ(decode<MessageRecord>(damaged).error().code(), ErrorCode::CorruptRecord) << "octet " << i;
  }
}

TEST(Codec, RefusesARecordCutShortAnywhere) {
  Values values(3);
  std::string octets;
  encode(values.delivery(), octets);
  for (std::size_t length = 0; length < octets.size(); ++length) {
    ASSERT_FALSE(decode<DeliveryRecord>(std::string_view(octets).substr(0, length))) << "length " << length;
  }
}

TEST(Codec, RefusesARecordOfAnotherKind) {
  Values values(4);
  std::string octets;
  encode(values.account(), octets);
  EXPECT_FALSE(decode<KeyRecord>(octets));
  EXPECT_TRUE(decode<AccountRecord>(octets));
}

TEST(Codec, RefusesWhatOnlyAForgedChecksumCouldHide) {
  const char kind = static_cast<char>(RecordKind::Counter);
  struct Case {
    const char* name;
    std::string fields;
    bool is_read;
  };
  const Case cases[] = {
      {"a counter of five", {kind, 1, 5}, true},
      {"an unknown version", {kind, 2, 5}, false},
      {"octets left over", {kind, 1, 5, 0}, false},
      {"no number at all", {kind, 1}, false},
      {"a number that does not end", {kind, 1, '\x80', '\x80'}, false},
      {"a number not in its shortest form", {kind, 1, '\x85', 0}, false},
      {"a number above 64 bits", std::string{kind, 1} + std::string(9, '\xff') + "\x02", false},
  };
  for (const Case& c : cases) EXPECT_EQ(decode<Count>(with_sum(c.fields)).has_value(), c.is_read) << c.name;
}

TEST(Codec, NeverAsksForMoreMemoryThanTheRecordHas) {
  std::string fields{static_cast<char>(RecordKind::Delivery), 1};
  fields += "\xff\xff\xff\xff\x0f";  // four thousand million recipients
  EXPECT_FALSE(decode<DeliveryRecord>(with_sum(fields)));
}

TEST(Codec, SurvivesRandomFieldsUnderARightChecksum) {
  Values values(5);
  test::FakeRandom random(6);
  std::size_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string octets;
    encode(values.delivery(), octets);
    octets.resize(octets.size() - 4);
    octets[2 + random.below(octets.size() - 2)] = static_cast<char>(random.below(256));
    const Result<DeliveryRecord> decoded = decode<DeliveryRecord>(with_sum(octets));
    if (!decoded) continue;
    ++read;
    std::string again;
    encode(*decoded, again);
    ASSERT_EQ(again, with_sum(octets)) << "one value, one encoding";
  }
  EXPECT_GT(read, 0U);
}

TEST(Crc32c, MatchesThePublishedCheckValue) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c_by_table("123456789"), 0xe3069283U);
}

TEST(Crc32c, ContinuesAndAgreesWithTheTableAtEveryLength) {
  std::string octets;
  for (std::size_t i = 0; i < 100; ++i) octets.push_back(static_cast<char>(i * 37));
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    const std::string_view all = octets;
    ASSERT_EQ(crc32c(all.substr(cut), crc32c(all.substr(0, cut))), crc32c_by_table(all));
  }
}

TEST(Crc32c, AgreesWithTheTableWhereThirdsAreSummedAtOnce) {
  std::string octets;
  for (std::size_t i = 0; i < 9'000; ++i) octets.push_back(static_cast<char>(i * i + i / 251));
  const std::string_view all = octets;
  for (const std::size_t length : {4'055U, 4'056U, 4'057U, 4'074U, 8'111U, 8'112U, 9'000U}) {
    for (const std::size_t start : {0U, 1U, 7U}) {
      const std::string_view part = all.substr(start, length);
      ASSERT_EQ(crc32c(part, 0x12345678), crc32c_by_table(part, 0x12345678)) << length << " from " << start;
    }
  }
}

TEST(Keys, SortInstantsBefore1970First) {
  const KeyOctets early = KeyOctets().add(Instant{Duration{-1}});
  const KeyOctets late = KeyOctets().add(Instant{Duration{1}});
  EXPECT_LT(std::string_view(early), std::string_view(late));
  EXPECT_EQ(KeyReader(early).instant(), Instant{Duration{-1}});
}

}  // namespace
}  // namespace postern::store
