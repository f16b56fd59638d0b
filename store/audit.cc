// The table of entries in order of time, and for each account a row that leads to each of its own.
#include "store/audit.h"

#include "core/ids.h"
#include "store/directory_index.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace postern::store {
namespace {

constexpr std::size_t kAccountOctets = 10;

KeyOctets account_row(const AccountId& account, std::string_view place) {
  KeyReader reader(place);
  return KeyOctets().add(account.octets).add(reader.octets<10>());
}

// The first free place at that instant: several changes may share one.
Result<std::string> free_place(Transaction& transaction, Instant at) {
  for (std::uint16_t number = 0; number < std::numeric_limits<std::uint16_t>::max(); ++number) {
    const KeyOctets place = KeyOctets().add(at).add(number);
    const Result<bool> is_taken = has_row(transaction, DirectoryTable::Audit, place);
    if (!is_taken) return is_taken.error();
    if (!*is_taken) return std::string(std::string_view(place));
  }
  return Error(ErrorCode::Conflict, "too many changes at once");
}

// Under the account alone stands how many it has; the oldest goes where one more would be too many.
Result<void> make_room(WriteTransaction& transaction, const AccountId& account) {
  const std::string_view own = octets_of(account.octets);
  const Result<std::optional<Count>> count = find_record<Count, DirectoryTable::AccountAudit>(transaction, own);
  if (!count) return count.error();
  const std::uint64_t before = count->value_or(Count{}).number;
  if (before < kMaxAuditOfAccount) {
    return put_record<Count, DirectoryTable::AccountAudit>(transaction, own, Count{before + 1});
  }
  std::string oldest;
  {
    Cursor cursor(Table(transaction, DirectoryTable::AccountAudit));
    const bool found = cursor.seek(own) && cursor.next() && cursor.key().starts_with(own);
    if (found) oldest = cursor.key();
    if (Result<void> sought = cursor.status(); !sought) return sought;
  }
  if (oldest.empty()) return {};
  const Result<void> erased = erase_row(transaction, DirectoryTable::Audit, std::string_view(oldest).substr(kAccountOctets));
  return erased ? erase_row(transaction, DirectoryTable::AccountAudit, oldest) : erased;
}

std::string plan_text(const Plan& plan) {
  const auto text = [](const auto& limit) { return limit ? std::to_string(*limit) : std::string("unlimited"); };
  return plan.name + ": " + text(plan.per_second) + " a second, " + text(plan.per_day) + " a day, " + text(plan.per_month) +
         " a month";
}

Result<AuditRecord> read_entry(Transaction& transaction, std::string_view place) {
  auto entry = find_record<AuditRecord>(transaction, place);
  if (!entry) return entry.error();
  if (!*entry) return Error(ErrorCode::NotFound);
  return std::move(**entry);
}

thread_local Actor acting;

}  // namespace

ActorScope::ActorScope(Actor actor) : before_(std::exchange(acting, std::move(actor))) {}
ActorScope::~ActorScope() { acting = std::move(before_); }

const Actor& current_actor() { return acting; }

Result<void> note_change(WriteTransaction& transaction, const Actor& actor, const AuditNote& note) {
  AuditRecord entry{.at = actor.at.value_or(SystemClock().now()),
                    .account = note.account,
                    .actor_kind = actor.kind,
                    .actor_id = actor.id,
                    .actor_name = actor.name,
                    .address = actor.address,
                    .action = std::string(note.action),
                    .target_kind = std::string(note.target_kind),
                    .target_id = note.target_id,
                    .target_name = note.target_name,
                    .detail = note.detail.substr(0, kMaxAuditDetailOctets)};
  const Result<std::string> place = free_place(transaction, entry.at);
  if (!place) return place.error();
  if (Result<void> room = make_room(transaction, note.account); !room) return room;
  if (Result<void> put = put_record(transaction, *place, entry); !put) return put;
  return WritableTable(transaction, DirectoryTable::AccountAudit).put(account_row(note.account, *place), {});
}

Result<void> note_removal(WriteTransaction& transaction, const Actor& actor, const AuditNote& note) {
  const Result<bool> is_there = has_row(transaction, DirectoryTable::Accounts, octets_of(note.account.octets));
  if (!is_there) return is_there.error();
  return *is_there ? note_change(transaction, actor, note) : Result<void>();
}

Result<void> note_by_person(WriteTransaction& transaction, const Actor& actor, const AuditNote& note) {
  return actor.kind == ActorKind::System ? Result<void>() : note_change(transaction, actor, note);
}

Result<void> note_account(WriteTransaction& transaction, const Actor& actor, const AccountRecord* before,
                          const AccountRecord& after) {
  AuditNote note{
      .account = after.id, .action = {}, .target_kind = "account", .target_id = format_id(after.id), .target_name = after.name};
  const auto put = [&](std::string_view action, std::string detail) {
    note.action = action;
    note.detail = std::move(detail);
    return note_change(transaction, actor, note);
  };
  if (before == nullptr) return put("account.created", {});
  AccountRecord same = after;
  Result<void> done;
  if (before->mode != after.mode) {
    done = put("account.mode_changed",
               std::string(account_mode_name(before->mode)) + " to " + std::string(account_mode_name(after.mode)));
  }
  if (done && before->state != after.state) {
    done = put(after.state == AccountState::Suspended ? "account.suspended" : "account.resumed", {});
  }
  if (done && before->plan != after.plan) done = put("account.plan_changed", plan_text(after.plan));
  same.mode = before->mode;
  same.state = before->state;
  same.plan = before->plan;
  if (done && same != *before) done = put("account.changed", {});
  return done;
}

Result<void> note_key(WriteTransaction& transaction, const Actor& actor, const KeyRecord* before, const KeyRecord& after) {
  std::string_view action = "key.changed";
  std::string detail;
  if (before == nullptr) {
    action = "key.created";
    detail = std::string(environment_name(after.environment)) +
             (after.permission == Permission::FullAccess ? ", full_access" : ", sending_access");
  } else if (*before == after) {
    return {};
  } else if (after.revoked_at && !before->revoked_at) {
    action = "key.revoked";
  } else if (after.successor != before->successor) {
    action = "key.rotated";
    if (after.successor) detail = "to " + format_id(*after.successor);
  }
  return note_change(transaction, actor,
                     {.account = after.account,
                      .action = action,
                      .target_kind = "key",
                      .target_id = format_id(after.id),
                      .target_name = after.name,
                      .detail = std::move(detail)});
}

// A password is noted by who changes it: a sign-in may hash it again.
Result<void> note_user(WriteTransaction& transaction, const Actor& actor, const UserRecord* before, const UserRecord& after) {
  if (before != nullptr && before->is_operator == after.is_operator && before->email == after.email) return {};
  std::string detail = before == nullptr && !after.is_operator ? "" : after.is_operator ? "operator" : "no operator any more";
  return note_change(transaction, actor,
                     {.account = after.account,
                      .action = before == nullptr ? "member.added" : "member.changed",
                      .target_kind = "member",
                      .target_id = format_id(after.id),
                      .target_name = after.email,
                      .detail = std::move(detail)});
}

Result<void> note_domain(WriteTransaction& transaction, const Actor& actor, const DomainRecord* before, const DomainRecord& after) {
  std::string_view action = "domain.added";
  if (before != nullptr) {
    const bool is_same =
        before->state == after.state && before->is_receiving == after.is_receiving && before->routes == after.routes;
    if (is_same) return {};
    action = "domain.changed";
    if (before->state != after.state) action = after.state == DomainState::Verified ? "domain.verified" : "domain.unverified";
  }
  return note_change(transaction, actor,
                     {.account = after.account,
                      .action = action,
                      .target_kind = "domain",
                      .target_id = format_id(after.id),
                      .target_name = after.name});
}

Result<void> note_webhook(WriteTransaction& transaction, const Actor& actor, const WebhookRecord* before,
                          const WebhookRecord& after) {
  std::string_view action = "webhook.changed";
  std::string detail;
  if (before == nullptr) {
    action = "webhook.created";
  } else if (before->secret != after.secret) {
    action = "webhook.secret_rotated";
  } else if (before->state != after.state) {
    detail = after.state == WebhookState::Enabled ? "enabled" : after.state == WebhookState::Failed ? "failed" : "disabled";
  } else if (before->url == after.url && before->events == after.events && before->mail == after.mail) {
    return {};
  }
  return note_change(transaction, actor,
                     {.account = after.account,
                      .action = action,
                      .target_kind = "webhook",
                      .target_id = format_id(after.id),
                      .target_name = after.url,
                      .detail = std::move(detail)});
}

Result<std::vector<PlacedAudit>> DirectoryReads::list_audit(const std::optional<AccountId>& account, std::string_view before,
                                                            std::size_t limit) const {
  const auto list = [&](Transaction& transaction) -> Result<std::vector<PlacedAudit>> {
    std::vector<PlacedAudit> found;
    const std::string prefix(account ? octets_of(account->octets) : std::string_view());
    const std::string end = before.empty() ? prefix + std::string(kAccountOctets + 1, '\xff') : prefix + std::string(before);
    Cursor cursor(Table(transaction, account ? DirectoryTable::AccountAudit : DirectoryTable::Audit));
    bool more = cursor.seek_before(end);
    for (; more && found.size() < limit && cursor.key().starts_with(prefix); more = cursor.previous()) {
      const std::string place(cursor.key().substr(prefix.size()));
      if (place.empty()) break;  // how many there are
      Result<AuditRecord> entry = read_entry(transaction, place);
      if (!entry) return entry.error();
      found.push_back({place, std::move(*entry)});
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return found;
  };
  return look(list);
}

Result<void> DirectoryWriter::note_password_change(const UserRecord& user) {
  return note_change(transaction_, actor_,
                     {.account = user.account,
                      .action = "password.changed",
                      .target_kind = "member",
                      .target_id = format_id(user.id),
                      .target_name = user.email});
}

Result<std::size_t> DirectoryWriter::expire_audit(Instant before, std::size_t limit) {
  std::vector<std::pair<std::string, AccountId>> ended;
  {
    const Result<std::uint64_t> all = Table(transaction_, DirectoryTable::Audit).count();
    if (!all) return all.error();
    const std::size_t surplus = *all > kMaxAudit ? static_cast<std::size_t>(*all - kMaxAudit) : 0;
    Cursor cursor(Table(transaction_, DirectoryTable::Audit));
    for (bool more = cursor.first(); more && ended.size() < limit; more = cursor.next()) {
      const bool is_too_old = KeyReader(cursor.key()).instant() < before;
      if (!is_too_old && ended.size() >= surplus) break;
      const Result<AuditRecord> entry = decode<AuditRecord>(cursor.value());
      ended.emplace_back(cursor.key(), entry ? entry->account : AccountId{});
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
  }
  for (const auto& [place, account] : ended) {
    const std::string_view own = octets_of(account.octets);
    Result<void> erased = erase_row(transaction_, DirectoryTable::Audit, place);
    if (erased) erased = erase_row(transaction_, DirectoryTable::AccountAudit, account_row(account, place));
    const auto count = find_record<Count, DirectoryTable::AccountAudit>(transaction_, own);
    if (erased && !count) erased = count.error();
    if (erased && *count) {
      erased = (*count)->number <= 1
                   ? erase_row(transaction_, DirectoryTable::AccountAudit, own)
                   : put_record<Count, DirectoryTable::AccountAudit>(transaction_, own, Count{(*count)->number - 1});
    }
    if (!erased) return erased.error();
  }
  return ended.size();
}

}  // namespace postern::store
